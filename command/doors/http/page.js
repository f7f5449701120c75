'use strict';
// Text of others (names, topics, troubles) goes into text nodes and attributes alone.
const at = (id) => document.getElementById(id);
const svg = 'http://www.w3.org/2000/svg';

function make(tag, attributes = {}, text = null, space = null) {
  const element = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}
const draw = (tag, attributes, text = null) => make(tag, attributes, text, svg);

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- words -------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat('en');
const count = (number, one, many) => `${whole.format(number)} ${number === 1 ? one : many}`;

function time(ms) {
  if (ms < 1) return ms === 0 ? '0 ms' : `${Math.max(0.1, ms).toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let unit = -1;
  do { bytes /= 1024; ++unit; } while (bytes >= 1023.5 && unit < 3);
  return `${bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

const titles = {
  database_down: 'The server read here does not answer',
  replay_still: 'The replica stands still while messages wait',
  replay_behind: 'The replica is behind',
  position_far: 'Messages wait for a place that the server will not reach',
  primary_down: 'The primary does not answer',
  position_missing: 'A published message gets no position from the primary',
  not_taking: 'The application takes no deliveries',
  held_full: 'The room for held messages is used up',
  readers_slow: 'Much was sent that others do not take',
  peer_slow: 'A peer keeps trailing',
  peer_silent: 'A peer has fallen silent',
  peer_unmet: 'A peer is known and can\u2019t be met',
  seed_unmet: 'Nobody answers at a seed',
  nobody_met: 'No other peer is there',
  same_name: 'Two peers have one name',
  foreign_cluster: 'Messages announce changes of another cluster',
  parted_history: 'The server has parted from the announced history',
  malformed: 'Something unreadable arrives',
};
const states = {
  heard: 'heard, not met', hello: 'joining', ready: 'ready', suspect: 'silent', left: 'left',
  gone: 'gone',
};

// --- what is there -----------------------------------------------------------------------------

const span = 300; // seconds that the charts show
const samples = []; // {when, held, lag}
const most_lines = 12;
let delivered = 0; // since the last status
let rate = 0;
let last = null; // the last status, and when it came
let when = 0;

function still(status) {
  if (!status.gated || status.held === 0 || !status.taking || !status.tide) return 0;
  return Math.min(status.tide_still_ms, status.held_longest_ms);
}

const stands = (status) => still(status) > 500;

// --- troubles ----------------------------------------------------------------------------------

// A text is a sentence, and behind the first semicolon where to look.
function trouble(item) {
  const line = make('li');
  const title = make('h3', {}, titles[item.kind] || item.kind.replaceAll('_', ' '));
  title.append(make('time', {}, `for ${time(item.lasted_ms)}`));
  const cut = item.text.indexOf('; ');
  // A name stays as it is.
  const sentence = (text) =>
    (item.about && text.startsWith(item.about) ? text
      : text.charAt(0).toUpperCase() + text.slice(1)) + '.';
  line.append(title, make('p', {}, sentence(cut < 0 ? item.text : item.text.slice(0, cut))));
  if (cut >= 0) line.append(make('p', { class: 'cure' }, sentence(item.text.slice(cut + 2))));
  return line;
}

// The peer names a standstill after some seconds; the page does so at once, and more softly.
function soon(status) {
  const line = make('li', { class: 'soon' });
  const title = make('h3', {}, 'The replica stands still while messages wait');
  title.append(make('time', {}, `for ${time(still(status))}`));
  const waits = count(status.held, 'message waits', 'messages wait');
  line.append(title, make('p', {},
    `${waits} here. A moment of this is usual; if it lasts, the peer says where to look.`));
  return line;
}

function show_troubles(status) {
  const lines = status.troubles.map(trouble);
  const named = status.troubles.some((item) => item.kind.startsWith('replay_'));
  const softly = stands(status) && !named;
  if (softly) lines.push(soon(status));
  at('troubles').hidden = lines.length === 0;
  at('troubles').querySelector('ul').replaceChildren(...lines);
  const bad = status.troubles.length;
  const verdict = at('verdict');
  verdict.className = bad > 0 ? 'bad' : softly ? 'warn' : 'good';
  write(verdict, bad > 0 ? (bad === 1 ? 'One trouble' : `${bad} troubles`)
    : softly ? 'Waiting for the replica' : 'All is well');
  document.title = `${bad > 0 ? `(${bad}) ` : ''}${status.name} \u2013 tidegate`;
}

// --- the way of a message ----------------------------------------------------------------------

function step(id, state, kind, more) {
  const where = at(id);
  const line = where.querySelector('.state');
  line.className = `state number ${kind}`;
  write(line, state);
  write(where.querySelector('.more'), more);
}

function place(status) {
  const timelines = status.tide.history.map((entry) => entry.timeline);
  const way = timelines.length > 4 ? ['\u2026', ...timelines.slice(-4)] : timelines;
  return `at ${status.tide.replayed}, timeline\u00a0${way.join('\u00a0\u203a\u00a0')}`;
}

function show_way(status) {
  const { primary, database } = status;
  if (!primary.asked && !database.primary) {
    step('primary', 'not asked', '', 'this peer announces no commits');
  } else if (primary.asked && !primary.up) {
    step('primary', 'down', 'bad', `for ${time(primary.since_ms)}`);
  } else {
    step('primary', status.primary_known ? 'answers' : 'looking for it',
      status.primary_known ? '' : 'warn',
      status.unsent === 0 ? 'nothing waits to be sent'
        : `${count(status.unsent, 'message waits', 'messages wait')} to be sent, ` +
          size(status.unsent_bytes));
  }
  if (!status.gated) {
    step('replica', 'none is read', '', 'messages are delivered at once');
  } else if (!status.tide) {
    step('replica', database.up ? 'unknown' : 'down', database.up ? 'warn' : 'bad',
      database.up ? 'how far it is' : `for ${time(database.since_ms)}`);
  } else if (stands(status)) {
    step('replica', 'stands still', 'warn', `for ${time(still(status))}, ${place(status)}`);
  } else {
    const behind = status.lag_ms > 0;
    step('replica', behind ? `${time(status.lag_ms)} behind` : 'shows all',
      behind && status.lag_ms > 5000 ? 'warn' : '', place(status));
  }
  step('gate', status.held === 0 ? 'holds nothing' : `holds ${whole.format(status.held)}`, '',
    status.held === 0 ? (status.gated ? 'no message waits for its change' : 'it stands open')
      : `${size(status.held_bytes)}, the next one for ${time(status.held_longest_ms)}`);
  const behind = status.missing_bytes;
  if (status.held > 0 && behind) {
    at('gate').querySelector('.more').textContent += `, ${size(behind)} of WAL away`;
  }
  step('application', status.taking ? 'takes all' : 'takes nothing', status.taking ? '' : 'bad',
    status.taking ? `${whole.format(status.counters.delivered)} delivered since the start`
      : `for ${time(status.untaken_ms)}`);
}

// --- the mesh ----------------------------------------------------------------------------------

function below(peer) {
  if (peer.state !== 'ready') {
    return [states[peer.state] || peer.state, peer.state === 'suspect' ? 'warn' : ''];
  }
  if (peer.missing > 0) return [`${whole.format(peer.missing)} on the way`, ''];
  if (peer.slow || peer.lag > 0) {
    return [`${whole.format(peer.lag)} behind`, peer.slow ? 'warn' : ''];
  }
  return peer.held > 0 ? [`${whole.format(peer.held)} held`, ''] : ['', ''];
}

function sorted(peers) {
  const rank = { ready: 0, hello: 1, heard: 1, suspect: 0, left: 3, gone: 2 };
  const by = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return [...peers].sort((a, b) => by(rank[a.state], rank[b.state]) || by(a.name, b.name) ||
    by(a.origin, b.origin));
}

const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + '\u2026' : text);

let level = null; // of the sea in the circle of this peer; it keeps its place between pictures
function centre(status, x, y) {
  const group = draw('g', {});
  const clip = draw('clipPath', { id: 'round' });
  clip.append(draw('circle', { cx: x, cy: y, r: 45 }));
  if (!level) level = draw('rect', { class: 'sea', y: y - 50, width: 100, height: 100 });
  level.setAttribute('x', x - 50);
  const full = status.held === 0 ? 0 : Math.min(1, (1 + Math.log10(status.held)) / 6);
  level.style.transform = `translateY(${Math.round((1 - full) * 100)}px)`;
  const sea = draw('g', { 'clip-path': 'url(#round)' });
  sea.append(level);
  group.append(clip, draw('circle', { class: 'self', cx: x, cy: y, r: 46 }), sea,
    draw('text', { class: 'count inside', x, y: y + 4 },
      status.held > 9999 ? `${Math.floor(status.held / 1000)}k` : whole.format(status.held)),
    draw('text', { class: 'below inside', x, y: y + 22 }, 'held'));
  return group;
}

// Its name stands on the side away from the middle, where no line passes.
function node(peer, x, y, named, above) {
  const group = draw('g', {});
  const [under, kind] = below(peer);
  const title = `${peer.name || '(not met)'} at ${peer.host}:${peer.direct_port}, ` +
    `${states[peer.state] || peer.state}${under && peer.state === 'ready' ? ', ' + under : ''}`;
  group.append(draw('title', {}, title),
    draw('circle', { class: `node ${peer.state}`, cx: x, cy: y, r: named ? 9 : 7 }));
  if (peer.state === 'left' || peer.state === 'gone') {
    const cross = `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`;
    group.append(draw('path', { class: 'node gone', d: cross }));
  }
  if (named || kind) {
    const name = above ? y - (under ? 31 : 16) : y + 26;
    group.append(draw('text', { x, y: name }, short(peer.name || peer.host, 18)));
    if (under) group.append(draw('text', { class: `below ${kind}`, x, y: name + 15 }, under));
  }
  return group;
}

function show_mesh(status) {
  const all = sorted(status.peers);
  const there = all.filter((peer) => peer.state !== 'left' && peer.state !== 'gone');
  // Of those that have gone a few; the table has all.
  const shown = [...there, ...all.slice(there.length, there.length + 6)];
  const ready = there.filter((peer) => peer.state === 'ready').length;
  write(at('mesh-count'), shown.length === 0 ? 'no other peer is known'
    : `${ready} of ${count(there.length, 'other peer', 'other peers')} ready` +
      (all.length > there.length ? `, ${all.length - there.length} no longer there` : ''));
  const named = shown.length <= 14;
  // On a phone the picture is upright, so that its text keeps its size.
  const narrow = at('picture').clientWidth < 460;
  const [width, height] = narrow ? [400, 460] : [640, 400];
  at('picture').setAttribute('viewBox', `0 0 ${width} ${height}`);
  const [middle_x, middle_y] = [width / 2, height / 2];
  at('picture').classList.toggle('crowd', !named);
  const margin = named ? 70 : 44;
  const lines = [];
  const nodes = [];
  const last_nodes = []; // in front of the others
  shown.forEach((peer, index) => {
    // Not straight to the side, where names are cut; every other one of many stands further in.
    const angle = (2 * Math.PI * (index + 0.4)) / Math.max(shown.length, 2);
    const stands_out = below(peer)[1] !== '';
    const near = shown.length > 24 && index % 2 === 1 && !stands_out ? 0.78 : 1;
    const x = Math.round(middle_x + (width / 2 - margin) * near * Math.cos(angle));
    const y = Math.round(middle_y + (height / 2 - 52) * near * Math.sin(angle));
    lines.push(draw('line', { class: peer.state, x1: middle_x, y1: middle_y, x2: x, y2: y }));
    (stands_out ? last_nodes : nodes).push(node(peer, x, y, named, y < middle_y));
  });
  at('picture').replaceChildren(...lines, centre(status, middle_x, middle_y), ...nodes,
    ...last_nodes);
  at('peers').replaceChildren(...all.map((peer) => {
    const row = make('tr');
    row.append(make('td', { class: 'name' }, peer.name || '(not met)'),
      make('td', { class: 'wide mono' }, `${peer.host}:${peer.direct_port}`),
      make('td', {}, states[peer.state] || peer.state),
      make('td', { class: 'right number' }, time(peer.silent_ms)),
      make('td', { class: 'right number' }, whole.format(peer.lag)),
      make('td', { class: 'right number' }, whole.format(peer.held)));
    return row;
  }));
}

// --- charts ------------------------------------------------------------------------------------

function chart(id, value) {
  const now = samples[samples.length - 1].when;
  const highest = samples.reduce((most, each) => Math.max(most, value(each)), 0);
  const x = (each) => (span - (now - each.when) / 1000).toFixed(1);
  const y = (each) => (96 - (highest > 0 ? (90 * value(each)) / highest : 0)).toFixed(1);
  const line = samples.map((each) => `${x(each)} ${y(each)}`).join('L');
  const first = x(samples[0]);
  at(id).replaceChildren(
    draw('path', { class: 'area', d: `M${first} 96L${line}L${span} 96Z` }),
    draw('line', { class: 'base', x1: 0, y1: 96, x2: span, y2: 96 }),
    draw('path', { class: 'stroke', d: `M${line}` }));
  return highest;
}

function show_charts(status) {
  samples.push({ when, held: status.held, lag: status.lag_ms || 0 });
  while (samples[0].when < when - span * 1000) samples.shift();
  const held = chart('held-chart', (each) => each.held);
  const lag = chart('lag-chart', (each) => each.lag);
  write(at('held-top'), `${whole.format(status.held)} now, at most ${whole.format(held)}`);
  write(at('lag-top'), status.lag_ms === null ? 'not known'
    : `${time(status.lag_ms)} now, at most ${time(lag)}`);
}

// --- deliveries --------------------------------------------------------------------------------

function show_deliveries(event) {
  delivered += event.delivered;
  at('nothing').hidden = true;
  const clock = new Date().toLocaleTimeString([], { hour12: false });
  const rows = event.newest.slice(-most_lines).reverse().map((one) => {
    const row = make('tr');
    row.append(make('td', { class: 'number' }, clock),
      make('td', { class: 'topic' }, one.topic.join('/')),
      make('td', { class: 'name wide' }, one.name),
      make('td', { class: 'right number' }, size(one.bytes)),
      make('td', { class: 'right number' },
        one.late ? `${time(one.held_ms)}, late` : one.held_ms > 0 ? time(one.held_ms) : '\u2013'));
    return row;
  });
  const body = at('deliveries');
  body.prepend(...rows);
  while (body.rows.length > most_lines) body.lastElementChild.remove();
}

// --- totals ------------------------------------------------------------------------------------

const totals = [
  ['published', 'published'], ['received', 'received'], ['delivered', 'delivered'],
  ['unmatched', 'not subscribed to'], ['recovered', 'missed, then fetched'],
  ['missing', 'missing'], ['orphaned', 'orphaned'], ['in_doubt', 'in doubt'],
  ['foreign', 'foreign'], ['expired', 'expired'], ['overdue', 'overdue'], ['late', 'late'],
  ['unpublished', 'not published'], ['refused_full', 'refused, no room'],
];
const always = 4; // of them are shown, the others once they are not zero

function show_totals(status) {
  const shown = totals.filter(([name], index) => index < always || status.counters[name] > 0);
  at('totals').querySelector('dl').replaceChildren(...shown.map(([name, words]) => {
    const each = make('div');
    each.append(make('dt', {}, words), make('dd', {}, whole.format(status.counters[name])));
    return each;
  }));
}

// --- the stream --------------------------------------------------------------------------------

function show(status) {
  const now = Date.now();
  const passed = last ? (now - when) / 1000 : 1;
  if (passed > 0.5 || !last) {
    rate = delivered / Math.max(passed, 0.5);
    delivered = 0;
  }
  last = status;
  when = now;
  document.querySelector('main').hidden = false;
  write(at('name'), status.name);
  write(at('about'), `mesh ${status.mesh}, up for ${time(status.up_ms)}, ` +
    (status.keys.length > 0 ? 'encrypted' : 'without a key'));
  show_troubles(status);
  show_way(status);
  show_mesh(status);
  show_charts(status);
  show_totals(status);
  write(at('rate'), rate > 0 ? `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second` : '');
}

function connection(words, lost) {
  write(at('live'), words);
  at('live').classList.toggle('lost', lost);
  document.body.classList.toggle('lost', lost && last !== null);
}

function connect() {
  const events = new EventSource('/events');
  events.addEventListener('open', () => connection('live', false));
  events.addEventListener('status', (event) => show(JSON.parse(event.data)));
  events.addEventListener('deliveries', (event) => show_deliveries(JSON.parse(event.data)));
  events.addEventListener('error', () => {
    connection('no connection; trying again', true);
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
}

addEventListener('resize', () => last && show_mesh(last));

// A peer that hangs keeps its connections.
setInterval(() => {
  const silent = Date.now() - when;
  if (last && silent > 4000) connection(`no word for ${time(silent)}`, true);
  else if (last && at('live').className === 'lost' && silent < 2000) connection('live', false);
}, 1000);
connect();
