// stompit, over TCP, in the form that the suite drives. It keeps the headers of receipts to itself.
import { bounded, Queue } from './queue.mjs';

export function stompit(library, port) {
  return (options) => new Promise((resolve, reject) => {
    const { version, beat = 0 } = options;
    const connectHeaders = {
      host: '/',
      'accept-version': version,
      'heart-beat': `${beat},${beat}`,
      login: 'user',
      passcode: 'pass:word',
    };
    library.connect({ host: '127.0.0.1', port, connectHeaders }, (error, client) => {
      if (error) reject(error);
      else resolve(new StompitClient(client, version));
    });
  });
}

class StompitClient {
  receiptsHaveHeaders = false;
  errors = new Queue();
  beats = null;
  #closed;
  #client;

  constructor(client, version) {
    this.#client = client;
    this.escapes = version !== '1.0';
    this.version = client.headers.version ?? '1.0';
    this.#closed = new Promise((resolve) => {
      client.on('end', resolve);
      client.on('error', (error) => {
        this.errors.put(error.message);
        resolve();
      });
    });
  }

  #receiptOf(call) {
    return bounded(new Promise((resolve) => call({ onReceipt: () => resolve({}) })), 'no receipt');
  }

  send(destination, body, headers = {}) {
    return this.#receiptOf((options) => {
      const bytes = Buffer.from(body);
      const all = { destination, 'content-length': bytes.length, ...headers };
      this.#client.send(all, options).end(bytes);
    });
  }

  publish(destination, body, headers = {}) {
    this.#client.send({ destination, ...headers }).end(body);
  }

  async subscribe(destination, id, headers = {}, messages = new Queue()) {
    const take = (error, frame) => {
      if (error) return;
      const parts = [];
      frame.on('data', (part) => parts.push(part));
      frame.on('end', () =>
        messages.put({
          headers: frame.headers,
          body: new Uint8Array(Buffer.concat(parts)),
          ack: () => this.#client.ack(frame),
          nack: () => this.#client.nack(frame),
        }),
      );
    };
    const subscription = this.#client.subscribe({ destination, id, ...headers }, take);
    await this.#settled();
    return {
      messages,
      unsubscribe: async () => {
        subscription.unsubscribe();
        await this.#settled();
      },
    };
  }

  // Its SUBSCRIBE and UNSUBSCRIBE tell nothing, so a frame behind them brings the receipt.
  #settled() {
    const transaction = this.#client.begin();
    return this.#receiptOf((options) => transaction.abort(options));
  }

  begin(name) {
    const transaction = this.#client.begin(name);
    return {
      send: (destination, body, headers) =>
        transaction.send({ destination, ...headers }).end(body),
      commit: () => this.#receiptOf((options) => transaction.commit(options)),
      abort: () => this.#receiptOf((options) => transaction.abort(options)),
    };
  }

  closed() {
    return bounded(this.#closed, 'not closed');
  }

  disconnect() {
    return bounded(new Promise((resolve) => this.#client.disconnect(resolve)), 'no polite end');
  }
}
