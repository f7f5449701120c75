// Commits a build and announces it: node announce.js PRIMARY PORT NAME
//
// PRIMARY is a connection URI, PORT the door of the peer beside this program:
// tidegate peer --door tcp:127.0.0.1:PORT --primary PRIMARY ...
const { Client } = require('@stomp/stompjs');
const { TCPWrapper } = require('@stomp/tcp-wrapper'); // or brokerURL, for a peer with --http
const { Client: Database } = require('pg');

async function announce(primary, port, name) {
  const door = new Client({
    webSocketFactory: () => new TCPWrapper('127.0.0.1', Number(port)),
    reconnectDelay: 0, // this program would rather end
  });
  const closed = new Promise((_, reject) => {
    door.onStompError = (frame) => reject(new Error(frame.headers.message));
    door.onWebSocketClose = () => reject(new Error('the door is gone'));
  });
  // The door first: where no peer is, nothing is committed that nobody would hear of.
  const connected = new Promise((resolve) => (door.onConnect = resolve));
  door.activate();
  await Promise.race([connected, closed]);
  const database = new Database(primary);
  await database.connect();
  const insert = 'INSERT INTO builds (name) VALUES ($1) RETURNING id'; // commits by itself
  const { id } = (await database.query(insert, [name])).rows[0];
  await database.end();
  // Behind the commit: a SEND announces what was committed before it. The receipt means that every
  // peer that is there has the message, however this one ends.
  const received = new Promise((resolve) => door.watchForReceipt('1', resolve));
  const headers = { receipt: '1', 'receipt-when': 'received' };
  door.publish({ destination: `/topic/builds.${id}`, body: name, headers });
  await Promise.race([received, closed]);
  console.log(`announced build ${id}`);
  await door.deactivate();
}

announce(...process.argv.slice(2)).catch((error) => {
  console.error(`not announced: ${error.message}`);
  process.exit(1);
});
