# What a user of Net::Stomp does, at the doors of two peers: PORT_A PORT_B.
#
# Sends at the first door and receives at the second one. Prints "done", or dies with the reason.
use strict;
use warnings;

use Net::Stomp;

my ($port_a, $port_b) = @ARGV;
my $bound = 20;    # seconds, of any single step

sub client {
    my ($port) = @_;
    my $stomp = Net::Stomp->new({hostname => '127.0.0.1', port => $port});
    my $answer = $stomp->connect({login => 'user', passcode => 'secret'});
    die 'not connected: ' . $answer->as_string if $answer->command ne 'CONNECTED';
    return $stomp;
}

sub frame {
    my ($stomp, $wanted) = @_;
    die "nothing came\n" if !$stomp->can_read({timeout => $bound});
    my $frame = $stomp->receive_frame;
    die "not $wanted: " . $frame->as_string if $frame->command ne $wanted;
    return $frame;
}

my $a = client($port_a);
my $b = client($port_b);

# Without an id, as its users write it. A prefetch size is a hint to another broker.
$b->subscribe({
    destination => '/topic/perl.*', ack => 'client',
    'activemq.prefetchSize' => 1, receipt => 'subscribed'
});
frame($b, 'RECEIPT');

for my $number (1 .. 20) {
    my $sent = $a->send_with_receipt(
        {destination => '/topic/perl.a', depends => 'none', body => "number $number"});
    die "no receipt for $number\n" if !$sent;
}
for my $number (1 .. 20) {
    my $message = frame($b, 'MESSAGE');
    die 'wrong body: ' . $message->body if $message->body ne "number $number";
    die 'wrong topic' if $message->headers->{destination} ne '/topic/perl.a';
    $b->ack({frame => $message});
}

# Bytes with a NUL, whose length is said.
my $bytes = join '', map { chr } 0 .. 255;
$a->send({destination => '/topic/perl.b', depends => 'none', body => $bytes, bytes_message => 1});
my $message = frame($b, 'MESSAGE');
die 'wrong bytes' if $message->body ne $bytes;
$b->ack({frame => $message});

my $commit = $a->send_transactional(
    {destination => '/topic/perl.c', depends => 'none', body => 'in a transaction'});
die "no transaction\n" if !$commit;
die 'wrong body' if frame($b, 'MESSAGE')->body ne 'in a transaction';

$b->unsubscribe({destination => '/topic/perl.*'});
$a->disconnect;
$b->disconnect;
print "done\n";
