// @stomp/stompjs in the form that the suite drives: over TCP or WebSocket, in Node or a browser.
import { bounded, Queue } from './queue.mjs';

// `Stomp`: the library; `how`: {webSocketFactory} or {brokerURL}, as its Client takes them.
export function stompjs(Stomp, how) {
  return (options) => new StompjsClient(Stomp, how, options).opened();
}

class StompjsClient {
  receiptsHaveHeaders = true;
  errors = new Queue();
  beats = 0;
  #closed;
  #receipts = 0;

  constructor(Stomp, how, { version, beat = 0 }) {
    this.escapes = version === '1.2';
    this.client = new Stomp.Client({
      ...how,
      stompVersions: new Stomp.Versions([version]),
      connectHeaders: { login: 'user', passcode: 'pass:word' },
      reconnectDelay: 0,
      heartbeatIncoming: beat,
      heartbeatOutgoing: beat,
      onStompError: (frame) => this.errors.put(frame.headers.message + '\n' + frame.body),
      onHeartbeatReceived: () => ++this.beats,
    });
    this.#closed = new Promise((resolve) => {
      this.client.onWebSocketClose = resolve;
    });
    this.connected = new Promise((resolve) => {
      this.client.onConnect = (frame) => resolve(frame.headers.version);
    });
  }

  async opened() {
    this.client.activate();
    this.version = await bounded(this.connected, 'not connected');
    return this;
  }

  // The headers of the receipt.
  #receiptOf(call, headers = {}) {
    const receipt = `r${++this.#receipts}`;
    return bounded(
      new Promise((resolve) => {
        this.client.watchForReceipt(receipt, (frame) => resolve(frame.headers));
        call({ ...headers, receipt });
      }),
      `no receipt ${receipt}`,
    );
  }

  send(destination, body, headers = {}) {
    const what = typeof body === 'string' ? { body } : { binaryBody: body };
    return this.#receiptOf(
      (all) => this.client.publish({ destination, ...what, headers: all }),
      headers,
    );
  }

  publish(destination, body, headers = {}) {
    this.client.publish({ destination, body, headers });
  }

  async subscribe(destination, id, headers = {}, messages = new Queue()) {
    const take = (frame) =>
      messages.put({
        headers: frame.headers,
        body: frame.binaryBody,
        ack: () => frame.ack(),
        nack: () => frame.nack(),
      });
    let subscription;
    await this.#receiptOf((all) => {
      subscription = this.client.subscribe(destination, take, all);
    }, { id, ...headers });
    return {
      messages,
      unsubscribe: () => this.#receiptOf((all) => subscription.unsubscribe(all)),
    };
  }

  // Its COMMIT and ABORT carry no receipt: the messages show what has become of them.
  begin(name) {
    const transaction = this.client.begin(name);
    return {
      send: (destination, body, headers) =>
        this.publish(destination, body, { ...headers, transaction: transaction.id }),
      commit: async () => transaction.commit(),
      abort: async () => transaction.abort(),
    };
  }

  closed() {
    return bounded(this.#closed, 'not closed');
  }

  async disconnect() {
    await bounded(this.client.deactivate(), 'no polite end');
  }
}
