// Drives one client in Node: suite|notices|rate CLIENT VERSION PORT_A PORT_B DEPENDS|COUNT, where
// CLIENT is stompjs, websocket (stompjs again, at the ports of --http) or stompit.
//
// The libraries are found by NODE_PATH. The last line is "done" if all holds.
const readline = require('readline');

const [what, name, version, portA, portB, last] = process.argv.slice(2);
const ports = { a: Number(portA), b: Number(portB) };

async function connector() {
  if (name === 'stompit') {
    const { stompit } = await import('./stompit_client.mjs');
    return (door, options) => stompit(require('stompit'), ports[door])(options);
  }
  const { stompjs } = await import('./stompjs_client.mjs');
  const library = require('@stomp/stompjs');
  if (name === 'stompjs') {
    const { TCPWrapper } = require('@stomp/tcp-wrapper');
    const socket = (door) => () => new TCPWrapper('127.0.0.1', ports[door]);
    return (door, options) => stompjs(library, { webSocketFactory: socket(door) })(options);
  }
  globalThis.WebSocket = require('ws'); // as a browser has it; stompjs looks there
  return (door, options) =>
    stompjs(library, { brokerURL: `ws://127.0.0.1:${ports[door]}/stomp` })(options);
}

async function main() {
  const { suite, notices, rate } = await import('./suite.mjs');
  const connect = await connector();
  let failed = 0;
  const report = (part, error) => {
    if (error) ++failed;
    console.log(error ? `FAILED ${part}: ${error.stack}` : `passed ${part}`);
  };
  if (what === 'suite') {
    await suite({ connect, version, depends: last, report });
  } else if (what === 'notices') {
    const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const tell = (words) => {
      console.log(words);
      return answers.next();
    };
    await notices({ connect, version, tell });
  } else {
    const ready = () => console.log('ready');
    console.log(`${await rate({ connect, version, count: Number(last), ready })} messages/s`);
  }
  if (failed === 0) console.log('done');
  process.exit(failed === 0 ? 0 : 1);
}

main().catch((error) => {
  console.log(`FAILED: ${error.stack}`);
  process.exit(1);
});
