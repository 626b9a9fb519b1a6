// Runs the release build: a server on its own copy of the demo data, and commands on the same data.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ReservedPort } from './reserved-port.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const binary = path.join(root, 'target/release/ostrakon');

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 20;

/** Runs `ostrakon <args>` on the data in `dataDir` and returns what it prints. */
export async function ostrakon(dataDir: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, args, options(dataDir));
  return stdout;
}

/** An empty directory for data, which `demo-data.ts` fills and each server copies. */
export function newDataDir(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'ostrakon-e2e-'));
}

/** Settings of the server: environment variables. */
export type Settings = Record<string, string>;

export class Server {
  log = '';
  private process: ChildProcess | undefined;

  private constructor(
    readonly dataDir: string,
    private readonly port: ReservedPort,
    private readonly settings: Settings,
  ) {}

  /** A server on a copy of the data in `template`. */
  static async startOnCopyOf(template: string, settings: Settings = {}): Promise<Server> {
    const dataDir = await newDataDir();
    await cp(template, dataDir, { recursive: true });
    const server = new Server(dataDir, await ReservedPort.reserve(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://${this.port.address}`;
  }

  /** Starts the server, and returns when it accepts requests. */
  async start(): Promise<void> {
    const settings = { ...this.settings, OSTRAKON_LISTEN: this.port.address };
    const child = spawn(binary, ['serve'], options(this.dataDir, settings));
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    }
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server does not get ready:\n${this.log}`);
      }
      await delay(POLL_INTERVAL_MS);
    }
  }

  /** Runs `ostrakon <args>` on the server's data and returns what it prints. */
  run(...args: string[]): Promise<string> {
    return ostrakon(this.dataDir, ...args);
  }

  /** Stops the server, which must exit soon and with code 0. */
  async stop(): Promise<void> {
    const child = this.process;
    if (!child) return;
    this.process = undefined;
    if (child.exitCode === null) {
      const timeout = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      child.kill('SIGTERM');
      await once(child, 'exit');
      clearTimeout(timeout);
    }
    if (child.exitCode !== 0) {
      const how = child.exitCode ?? child.signalCode;
      throw new Error(`the server did not end well (${how}):\n${this.log}`);
    }
  }

  /** Stops it and removes its data. */
  async remove(): Promise<void> {
    try {
      await this.stop();
    } finally {
      this.port.release();
      await rm(this.dataDir, { recursive: true });
    }
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false; // It does not listen yet.
    }
  }
}

/** Options that keep out the user's own environment and configuration file. */
function options(dataDir: string, more: Settings = {}) {
  const env = {
    PATH: process.env['PATH'],
    OSTRAKON_DATA_DIR: dataDir,
    OSTRAKON_APP_DIR: path.join(root, 'dist'),
    ...more,
  };
  return { cwd: dataDir, env };
}
