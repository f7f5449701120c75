// What an application does with any client, at the doors of two peers: it sends at "a" and receives
// at "b". Read by Node and by browsers alike; the clients stand in stompjs_client.mjs and
// stompit_client.mjs.
import { equal, holds, pause } from './queue.mjs';

const text = (body) => new TextDecoder().decode(body);

async function headers_and_bodies({ a, b, topic, depends }) {
  const subscription = await b.subscribe(`/topic/${topic}.>`, 'all');
  const bytes = new Uint8Array(1 << 20).map((_, index) => index % 251);
  const odd = new Uint8Array([0, 1, 255, 10, 13, 0]);
  const bodies = ['text', 'Gr\u00fc\u00dfe \u{1f600}', odd, bytes];
  // A backslash before c, n or r is left out: stompjs reads its own escapes of that wrongly.
  const mine = a.escapes ? 'a:b\\ d\ne \u00fc' : 'plain';
  for (const [index, body] of bodies.entries()) {
    const receipt = await a.send(`/topic/${topic}.${index}`, body, {
      depends,
      mine,
      'content-type': 'application/x-test',
    });
    const { headers, body: got } = await subscription.messages.get();
    equal(headers.destination, `/topic/${topic}.${index}`, 'the destination');
    equal(headers.mine, mine, 'the header of the sender');
    equal(headers['content-type'], 'application/x-test', 'the content type');
    equal(headers.publisher, 'a', 'the publisher');
    equal(headers.late, 'false', 'late');
    holds(!('receipt' in headers), 'the receipt is between the sender and its door');
    holds('position' in headers === (depends === 'commit'), 'a message has the position it needs');
    if (a.receiptsHaveHeaders) {
      equal(headers.sequence, receipt.sequence, 'the sequence');
      equal(headers.position, receipt.position, 'the position');
    }
    const wanted = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    equal(got.length, wanted.length, 'the length of the body');
    holds(got.every((byte, at) => byte === wanted[at]), 'the body is the one that was sent');
  }
  await subscription.unsubscribe();
  await a.send(`/topic/${topic}.behind`, 'nobody', { depends });
  await pause(200);
  equal(subscription.messages.length, 0, 'the number of messages behind UNSUBSCRIBE');
}

async function received_by_all({ a, b, topic, depends }) {
  const subscription = await b.subscribe(topic, 'received');
  const receipt = await a.send(topic, 'hello', { depends, 'receipt-when': 'received' });
  equal(receipt.without, undefined, 'the list of those without the message');
  equal(text((await subscription.messages.get()).body), 'hello', 'the body');
}

async function cumulative_acknowledgement({ a, b, topic, depends }) {
  const subscription = await b.subscribe(topic, 'c', { ack: 'client', 'prefetch-count': '2' });
  for (let number = 0; number < 4; ++number) await a.send(topic, String(number), { depends });
  const [, second] = [await subscription.messages.get(), await subscription.messages.get()];
  await pause(200);
  equal(subscription.messages.length, 0, 'the number of messages beyond two unacknowledged');
  second.ack();
  for (const wanted of ['2', '3']) {
    equal(text((await subscription.messages.get()).body), wanted, 'the body');
  }
  await subscription.unsubscribe();
}

async function single_acknowledgements({ a, b, topic, depends }) {
  const headers = { ack: 'client-individual', 'prefetch-count': '2' };
  const subscription = await b.subscribe(topic, 'i', headers);
  for (let number = 0; number < 4; ++number) await a.send(topic, String(number), { depends });
  const [first, second] = [await subscription.messages.get(), await subscription.messages.get()];
  second.ack();
  equal(text((await subscription.messages.get()).body), '2', 'the body behind an ACK');
  await pause(200);
  equal(subscription.messages.length, 0, 'the number of messages beyond two unacknowledged');
  if (b.version === '1.0') first.ack(); // which has no NACK
  else first.nack();
  equal(text((await subscription.messages.get()).body), '3', 'the body behind a NACK');
  await subscription.unsubscribe();
}

async function transactions({ a, b, topic, depends }) {
  const subscription = await b.subscribe(`${topic}/#`, 't');
  for (const [name, end] of [['gone', 'abort'], ['kept', 'commit']]) {
    const transaction = a.begin(`${topic}-${name}`);
    for (let number = 0; number < 3; ++number) {
      transaction.send(`${topic}/${name}`, `${name} ${number}`, { depends });
    }
    await transaction[end]();
  }
  for (let number = 0; number < 3; ++number) {
    equal(text((await subscription.messages.get()).body), `kept ${number}`, 'the body');
  }
  await subscription.unsubscribe();
}

async function heart_beats({ connect, version, topic, a, depends }) {
  if (version === '1.0') return; // which has none
  const quiet = await connect('b', { version, beat: 300 });
  const subscription = await quiet.subscribe(topic, 'quiet');
  await pause(2000);
  holds(quiet.beats === null || quiet.beats > 1, 'heart-beats of the door come');
  await a.send(topic, 'still there', { depends });
  equal(text((await subscription.messages.get()).body), 'still there', 'the body');
  await quiet.disconnect();
}

async function refusals({ connect, version }) {
  const client = await connect('a', { version });
  client.publish('/queue/work', 'text');
  const reason = await client.errors.get();
  holds(reason.includes('write /topic/'), `"${reason}" names the cure`);
  await client.closed();
}

const parts = {
  headers_and_bodies,
  received_by_all,
  cumulative_acknowledgement,
  single_acknowledgements,
  transactions,
  heart_beats,
  refusals,
};

// `connect(door, options)` is a client at the door of "a" or "b". Calls report(name, error) for
// each part, without an error where all holds.
export async function suite({ connect, version, depends, report }) {
  const a = await connect('a', { version });
  const b = await connect('b', { version });
  equal(a.version, version, 'the version');
  for (const [name, part] of Object.entries(parts)) {
    try {
      await part({ a, b, connect, version, depends, topic: `${name}-${Date.now()}` });
      equal(a.errors.length + b.errors.length, 0, 'the number of errors');
      report(name);
    } catch (error) {
      report(name, error);
    }
  }
  await a.disconnect();
  await b.disconnect();
}

// Messages that are not delivered, and those that are not sent, are told. `tell` asks the test for
// trouble, and returns once it is there.
export async function notices({ connect, version, tell }) {
  const a = await connect('a', { version });
  const b = await connect('b', { version });
  const notice = async (subscription, kind) => {
    const { headers, body } = await subscription.messages.get();
    equal(headers.notice, kind, 'the notice');
    equal(JSON.parse(text(body)).type, kind, 'the type of its body');
    return headers;
  };
  const at_b = await b.subscribe('/tidegate/notices', 'notices');
  await b.subscribe('notices', 'messages');
  await tell('pause the replica');
  await a.send('notices', 'not visible in time', { depends: 'commit' });
  await notice(at_b, 'undelivered');

  const at_a = await a.subscribe('/tidegate/notices', 'notices');
  await tell('stop the primary');
  a.publish('notices', 'not sent', { depends: 'commit', receipt: 'mine' });
  await tell('start the primary');
  equal((await notice(at_a, 'unpublished'))['receipt-id'], 'mine', 'the receipt that is not given');
  equal(a.errors.length, 0, 'the number of errors');
  await a.disconnect();
  await b.disconnect();
}

// The messages per second that one client gets; `ready` is called once it has subscribed. The
// caller sets the bound.
export async function rate({ connect, version, count, ready }) {
  const client = await connect('b', { version });
  let begin;
  const end = await new Promise((resolve) => {
    let got = 0;
    const put = () => {
      if (++got === 1) begin = performance.now();
      if (got === count) resolve(performance.now());
    };
    client.subscribe('rates', 'rates', {}, { put }).then(ready);
  });
  await client.disconnect();
  return Math.round((1000 * (count - 1)) / (end - begin));
}
