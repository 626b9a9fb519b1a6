// A TCP port for a server that stops and starts again.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/**
 * A port of this machine that the system gives to no other socket until it is released: neither to
 * another server nor to a client.
 *
 * A connection that starts at the port holds it. Node sets `SO_REUSEADDR` for it, so a server that sets
 * it too can listen on the port all the same.
 */
export class ReservedPort {
  private constructor(
    private readonly peer: Server,
    private readonly connection: Socket,
  ) {}

  static async reserve(): Promise<ReservedPort> {
    // Reading makes it notice the end.
    const peer = createServer((accepted) => accepted.resume()).listen(0, HOST);
    await once(peer, 'listening');
    const { port } = peer.address() as AddressInfo;
    // With a local address, Node binds the socket before it connects.
    const connection = connect({ host: HOST, port, localAddress: HOST });
    await once(connection, 'connect');
    return new ReservedPort(peer, connection);
  }

  get address(): string {
    return `${HOST}:${this.connection.localPort}`;
  }

  release(): void {
    this.connection.destroy();
    this.peer.close();
  }
}
