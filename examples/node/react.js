// Reads announced builds on a replica: node react.js REPLICA PORT, until Ctrl-C or SIGTERM.
//
// REPLICA is a URI, PORT the door of: tidegate peer --door tcp:127.0.0.1:PORT --database REPLICA
const { Client } = require('@stomp/stompjs');
const { TCPWrapper } = require('@stomp/tcp-wrapper'); // or brokerURL, for a peer with --http
const { Pool } = require('pg');

const [replica, port] = process.argv.slice(2);
const database = new Pool({ connectionString: replica });
const door = new Client({
  webSocketFactory: () => new TCPWrapper('127.0.0.1', Number(port)),
  reconnectDelay: 1000, // while the peer restarts; messages of that time are not seen
});

door.onConnect = () => {
  // Acknowledged when done: at most 1,000 messages lie in this program, the rest in the peer.
  const headers = { ack: 'client-individual', receipt: 'subscribed' };
  door.subscribe('/topic/builds.*', (message) => react(message).catch(end), headers);
  door.watchForReceipt('subscribed', () => console.log('ready for builds'));
};
door.onWebSocketError = () => console.error('no door there; trying again');
door.onStompError = (frame) => console.error(`the door says: ${frame.headers.message}`);
door.activate();

async function react(message) {
  const build = message.headers.destination.split('.').pop();
  // A statement of its own, and so a new snapshot: the row is there.
  const { rows } = await database.query('SELECT name FROM builds WHERE id = $1', [build]);
  console.log(`build ${build} is ${rows[0].name}`);
  message.ack();
}

async function end(error) {
  if (error) console.error(error);
  process.exitCode = error ? 1 : 0;
  await door.deactivate();
  await database.end();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end());
