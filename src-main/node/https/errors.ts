/** Another program listens on the port. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly port: number;

  constructor(host: string, port: number, options?: ErrorOptions) {
    super(
      `${host}:${port} is taken by another program. End that program, or choose another port.`,
      options,
    );
    this.port = port;
  }
}
