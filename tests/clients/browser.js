// Runs the suite in headless Chromium: PORT VERSION PORT_A PORT_B PORT_OTHER DEPENDS. Serves the
// page and the library at that port of 127.0.0.1; the peers a and b know this origin, the other one
// does not. Prints the lines that the page posts; the last one is "done" if all holds. The browser
// looks up no name, and writes to a scratch folder alone.
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');

const [port, version, a, b, other, depends] = process.argv.slice(2);
const bound = 120000; // milliseconds, for all of it
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const files = { '/stomp.umd.js': require.resolve('@stomp/stompjs') };
for (const name of ['page.html', 'queue.mjs', 'stompjs_client.mjs', 'suite.mjs']) {
  files['/' + name] = path.join(__dirname, name);
}

const folder = fs.mkdtempSync(path.join(process.env.TEST_SCRATCH || os.tmpdir(), 'chromium.'));
let browser;

function end(status) {
  browser.removeAllListeners('exit');
  browser.once('exit', () => leave(status, 50));
  browser.kill('SIGTERM');
}

// Its children write to the folder for a moment longer.
function leave(status, tries) {
  try {
    fs.rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (tries === 0) throw error;
    setTimeout(() => leave(status, tries - 1), 100);
    return;
  }
  process.exit(status);
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.method === 'POST') {
    let line = '';
    request.on('data', (part) => (line += part));
    request.on('end', () => {
      response.end();
      if (line !== 'ended') console.log(line);
      if (line === 'done' || line === 'ended') end(line === 'done' ? 0 : 1);
    });
  } else if (files[pathname]) {
    response.setHeader('Content-Type', types[path.extname(pathname)]);
    fs.createReadStream(files[pathname]).pipe(response);
  } else {
    response.statusCode = 404;
    response.end();
  }
});

server.listen(Number(port), '127.0.0.1', () => {
  const asked = new URLSearchParams({ version, a, b, other, depends });
  browser = spawn('chromium', [
    '--headless',
    '--no-sandbox', // root has none
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--remote-debugging-pipe', // so it ends when this process does, whatever happens
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    `--user-data-dir=${folder}`,
    `http://127.0.0.1:${port}/page.html?${asked}`,
  ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  browser.once('exit', (code) => {
    console.log(`FAILED: the browser has ended with status ${code}`);
    process.exit(1);
  });
  setTimeout(() => {
    console.log('FAILED: the browser takes too long');
    end(1);
  }, bound);
});
