// The `test` of all specs: each has its own server and data, and fails if the browser's console shows
// errors or warnings.
import { test as base, expect, type Page } from '@playwright/test';
import createClient, { type Client } from 'openapi-fetch';

import type { paths } from './generated/api.js';
import { Server, type Settings } from './server.js';

type Fixtures = {
  /** The server's settings, if they differ from the defaults. */
  settings: Settings;
  server: Server;
  /** A client of the API, with types generated from openapi.yaml. */
  api: Api;
  /** Messages that the console may show: the browser reports every failed request there. */
  expectedComplaints: RegExp | undefined;
};

export type Api = Client<paths>;

export const test = base.extend<Fixtures>({
  expectedComplaints: [undefined, { option: true }],

  settings: [{}, { option: true }],

  server: async ({ settings }, use, testInfo) => {
    const server = await Server.startOnCopyOf(process.env['DEMO_DATA_DIR']!, settings);
    await use(server);
    if (testInfo.status !== testInfo.expectedStatus) {
      console.log(`The server's log:\n${server.log}`);
    }
    await server.remove();
  },

  baseURL: async ({ server }, use) => use(server.url),

  api: async ({ server }, use) => use(createClient<paths>({ baseUrl: server.url })),

  page: async ({ page, expectedComplaints }, use) => {
    const complaints: string[] = [];
    const note = (text: string) => {
      if (!expectedComplaints?.test(text)) complaints.push(text);
    };
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) note(message.text());
    });
    page.on('pageerror', (error) => note(`uncaught: ${error.message}`));
    await use(page);
    expect(complaints, 'the console is quiet').toEqual([]);
  },
});

export { expect };

/** The data of a response that must be a success. */
export function ok<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(`the API refused: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

/** Waits until the app has replaced the page that the server rendered. */
export async function appStarted(page: Page): Promise<void> {
  await expect(page.locator('#account'), 'the app has started').not.toBeEmpty();
}

/** The ids that several elements of the page share. */
export function repeatedIds(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    return ids.filter((id, index) => ids.indexOf(id) !== index);
  });
}

/** Removes the preloaded responses from pages, so that the app requests them. */
export async function withoutPreloadedResponses(page: Page): Promise<void> {
  await page.route('**/*', async (route) => {
    if (route.request().resourceType() !== 'document') return route.fallback();
    const response = await route.fetch();
    const html = await response.text();
    const { 'content-encoding': _encoding, 'content-length': _length, ...headers } = response.headers();
    const body = html.replaceAll(/<script type="application\/json"[^]*?<\/script>/g, '');
    await route.fulfill({ status: response.status(), headers, body });
  });
}
