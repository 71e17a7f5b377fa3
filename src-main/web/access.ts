import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Who may talk to the web host. Any page of any site can send requests to 127.0.0.1, so being local proves
 * nothing: a request needs the session cookie, which only the one-time launch token gives, and must name our
 * own origin. @see the rules that Jupyter, VS Code and Lens arrived at after their advisories.
 */
export class Access {
  readonly launchToken = randomBytes(32).toString('hex');
  readonly #session = randomBytes(32).toString('hex');
  #launchTokenUsed = false;
  #port = 0;

  /** The port is known once the server listens. */
  setPort(port: number): void {
    this.#port = port;
  }

  /** Named after the port: cookies are not kept apart by port. */
  get cookieName(): string {
    return `kijabi-${this.#port}`;
  }

  /** The header that opens a session; valid until the host ends. */
  get cookie(): string {
    return `${this.cookieName}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Exact match of the Host header: stops DNS rebinding before anything else is looked at. */
  hostAllowed(request: IncomingMessage): boolean {
    const { host } = request.headers;
    return host === `127.0.0.1:${this.#port}` || host === `localhost:${this.#port}`;
  }

  /** True when the request comes from our own page, or from no page at all where that is harmless. */
  originAllowed(request: IncomingMessage, originRequired: boolean): boolean {
    const { origin } = request.headers;
    if (request.headers['sec-fetch-site'] === 'cross-site') return false;
    if (origin === undefined) return !originRequired;
    return (
      origin === `http://127.0.0.1:${this.#port}` || origin === `http://localhost:${this.#port}`
    );
  }

  /** Trades the launch token for a session, once. */
  redeem(token: string): boolean {
    if (this.#launchTokenUsed || !sameSecret(token, this.launchToken)) return false;
    this.#launchTokenUsed = true;
    return true;
  }

  hasSession(request: IncomingMessage): boolean {
    for (const part of (request.headers.cookie ?? '').split(';')) {
      const [name, value] = part.trim().split('=', 2);
      if (name === this.cookieName && value !== undefined && sameSecret(value, this.#session))
        return true;
    }
    return false;
  }
}

/** Compares in constant time; hashing first makes the lengths equal. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
