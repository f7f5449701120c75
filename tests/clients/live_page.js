// Opens the live page of a peer in headless Chromium: URL [FOLDER]. Orders come a line at a time,
// and each is answered by a line:
//
//     wait TEXT            until the page shows the text: "shown", or "FAILED" after 20 s
//     never TEXT           "never shown" by now, or "FAILED"
//     markup TAG           how many elements of that kind the page has
//     picture NAME W H SCHEME   a screenshot in the folder, in a window of that size, light or dark
//
// Whatever the page does wrong (an exception, something that its policy forbids, a request to
// another place) is a line that begins with FAILED. The end of the input is the end.
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');

const [url, pictures] = process.argv.slice(2);
const bound = 20000; // milliseconds, for one order
const folder = fs.mkdtempSync(path.join(process.env.TEST_SCRATCH || os.tmpdir(), 'chromium.'));

const browser = spawn('chromium', [
  '--headless',
  '--no-sandbox', // root has none
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--remote-debugging-pipe', // so it ends when this process does, whatever happens
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  `--user-data-dir=${folder}`,
  'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

// The protocol of its developer tools: JSON, each ended by a zero.
const [, , , orders, answers] = browser.stdio;
const waiting = new Map();
let number = 0;
let session;
let rest = '';

function ask(method, params = {}) {
  const id = ++number;
  orders.write(JSON.stringify({ id, method, params, sessionId: session }) + '\0');
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function happened({ method, params }) {
  if (method === 'Runtime.exceptionThrown') {
    const { exception, text } = params.exceptionDetails;
    console.log(`FAILED: ${(exception && exception.description) || text}`.replaceAll('\n', ' '));
  } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
    // That the peer has gone is for the page to tell.
    if (params.entry.source === 'network') return;
    console.log(`FAILED: ${params.entry.text}`.replaceAll('\n', ' '));
  } else if (method === 'Network.requestWillBeSent') {
    const { url: asked } = params.request;
    if (!asked.startsWith(url) && !asked.startsWith('data:')) console.log(`FAILED: ${asked}`);
  }
}

answers.setEncoding('utf8').on('data', (part) => {
  const messages = (rest + part).split('\0');
  rest = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (!asked) happened(message);
    else if (message.error) asked.reject(new Error(message.error.message));
    else asked.resolve(message.result);
  }
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function value(expression) {
  const { result } = await ask('Runtime.evaluate', { expression, returnByValue: true });
  return result.value;
}
const text = () => value('document.body?.innerText ?? ""');

async function wait(wanted) {
  for (const end = Date.now() + bound; Date.now() < end; await pause(20)) {
    if ((await text()).includes(wanted)) return 'shown';
  }
  return `FAILED: not shown: ${wanted}; the page says: ${await text()}`.replaceAll('\n', ' | ');
}

async function picture(name, width, height, scheme) {
  await ask('Emulation.setDeviceMetricsOverride',
    { width: Number(width), height: Number(height), deviceScaleFactor: 1, mobile: width < 600 });
  await ask('Emulation.setEmulatedMedia',
    { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  await pause(300);
  const wide = await value('document.documentElement.scrollWidth');
  const { data } = await ask('Page.captureScreenshot', { captureBeyondViewport: true });
  fs.writeFileSync(path.join(pictures, `${name}.png`), Buffer.from(data, 'base64'));
  return wide > Number(width) ? `FAILED: the page is ${wide} wide` : 'taken';
}

async function obey(line) {
  const [order, ...words] = line.split(' ');
  const argument = words.join(' ');
  if (order === 'wait') return wait(argument);
  if (order === 'never') {
    return (await text()).includes(argument) ? `FAILED: shown: ${argument}` : 'never shown';
  }
  if (order === 'markup') {
    return String(await value(`document.getElementsByTagName(${JSON.stringify(argument)}).length`));
  }
  return picture(...words);
}

// Its children write to the folder for a moment longer.
async function leave(status) {
  browser.removeAllListeners('exit');
  const gone = new Promise((resolve) => browser.once('exit', resolve));
  browser.kill('SIGTERM');
  await gone;
  for (let tries = 50; ; --tries, await pause(100)) {
    try {
      fs.rmSync(folder, { recursive: true, force: true });
      break;
    } catch (error) {
      if (tries === 0) throw error;
    }
  }
  process.exit(status);
}

async function main() {
  const { targetInfos } = await ask('Target.getTargets');
  const page = targetInfos.find(({ type }) => type === 'page');
  const { sessionId } = await ask('Target.attachToTarget',
    { targetId: page.targetId, flatten: true });
  session = sessionId;
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await ask(`${domain}.enable`);
  await ask('Page.navigate', { url });
  console.log('open');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(await obey(line));
  }
  await leave(0);
}

browser.once('exit', (code) => {
  console.log(`FAILED: the browser has ended with status ${code}`);
  process.exit(1);
});
main().catch((error) => {
  console.log(`FAILED: ${error.stack}`.replaceAll('\n', ' '));
  leave(1);
});
