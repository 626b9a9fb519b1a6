// How the app reaches the browser: compression, caching, content security policy and layout shifts.
import { get, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import type { Page } from '@playwright/test';

import { catalogue, product, review } from '../pages.js';
import { appStarted, expect, ok, test, type Api } from '../test.js';

const MAX_WASM_GZIP_BYTES = 360_000;
/** The limit of a first visit: the page, the app, its style, and the responses of the API. */
const MAX_FIRST_VISIT_BYTES = 310_000;
const MAX_LAYOUT_SHIFT = 0.05;

const DECODERS = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (body: Buffer) => body,
};
type Encoding = keyof typeof DECODERS;

type Download = { headers: IncomingMessage['headers']; status: number; body: Buffer };

/** A file as it is transferred: `fetch` would decompress it. */
async function download(url: string, encoding: Encoding): Promise<Download> {
  const headers = encoding === 'identity' ? {} : { 'accept-encoding': encoding };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { headers: response.headers, status: response.statusCode!, body: Buffer.concat(chunks) };
}

/** The URLs of the app's files that the catalogue loads. */
async function assets(page: Page): Promise<string[]> {
  await page.goto('/');
  await appStarted(page);
  const urls = await page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => entry.name),
  );
  return [...new Set(urls)].filter((url) => !new URL(url).pathname.startsWith('/api/'));
}

const TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript', // Modules are UTF-8 whatever the type says (RFC 9239).
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
};

test('assets are compressed, have a type, and are cached for a year', async ({ page }) => {
  const urls = await assets(page);
  const extensions = urls.map((url) => url.split('.').pop()!);
  for (const needed of ['css', 'js', 'wasm']) expect(extensions).toContain(needed);

  for (const url of urls) {
    const extension = url.split('.').pop()!;
    const plain = await download(url, 'identity');
    for (const encoding of ['identity', 'br', 'gzip'] as const) {
      const { status, headers, body } = await download(url, encoding);
      const what = `${url} as ${encoding}`;
      expect(status, what).toBe(200);
      expect(headers['content-type'], what).toBe(TYPES[extension]);
      expect(headers['content-encoding'] ?? 'identity', what).toBe(encoding);
      expect(headers['vary'], what).toMatch(/accept-encoding/i);
      expect(headers['cache-control'], what).toBe('public, max-age=31536000, immutable');
      expect(headers['x-content-type-options'], what).toBe('nosniff');
      expect(DECODERS[encoding](body).equals(plain.body), what).toBe(true);
    }
  }
});

test('the WASM has at most 360 kB with gzip', async ({ page }) => {
  const wasm = (await assets(page)).find((url) => url.endsWith('.wasm'));
  const { body } = await download(wasm!, 'gzip');
  expect(body.length).toBeLessThanOrEqual(MAX_WASM_GZIP_BYTES);
});

for (const path of ['/', '/products/1']) {
  test(`the first visit of ${path} transfers at most 310 kB`, async ({ page }) => {
    const sizes: Promise<number>[] = [];
    page.on('requestfinished', (request) => {
      const size = request.sizes();
      sizes.push(size.then((size) => size.responseBodySize + size.responseHeadersSize));
    });
    await page.goto(path);
    await appStarted(page);
    await page.waitForLoadState('networkidle');
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_FIRST_VISIT_BYTES);
  });
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a product page shows the product and its rating', async ({ page }) => {
    await page.goto('/products/1');
    await expect(page).toHaveTitle('Brown teddy bear · Ostrakon');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Brown teddy bear');
    await expect(page.getByText(/out of 5 stars/).or(page.getByLabel(/out of 5 stars/)).first()).toBeAttached();
  });
});

test('pages have a strict content security policy and are revalidated', async ({ server }) => {
  for (const path of ['/', '/products/1', '/nonsense']) {
    const { headers } = await download(server.url + path, 'gzip');
    expect(headers['content-type'], path).toBe('text/html; charset=utf-8');
    expect(headers['content-encoding'], path).toBe('gzip');
    expect(headers['cache-control'], path).toBe('no-cache');

    const policy = new Map(
      headers['content-security-policy']!.toString().split(';').map((directive) => {
        const [name, ...sources] = directive.trim().split(/\s+/);
        return [name!, sources] as const;
      }),
    );
    expect(policy.get('default-src'), path).toEqual(["'none'"]);
    for (const directive of ['base-uri', 'form-action', 'frame-ancestors']) {
      expect(policy.get(directive), `${path} ${directive}`).toBeDefined();
    }
    expect(policy.get('style-src'), path).toEqual(["'self'"]);
    for (const source of policy.get('script-src')!) {
      expect(source, path).toMatch(/^'(self|wasm-unsafe-eval|sha256-[\w+/=]+)'$/);
    }
  }
});

test.describe('the content security policy', () => {
  test.use({ expectedComplaints: /inline script violates/ });

  test('is enforced', async ({ page }) => {
    await page.goto('/');
    await expect(catalogue(page).cards).toHaveCount(24);
    const blocked = await page.evaluate(async () => {
      const violation = new Promise<string>((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => {
          resolve(event.effectiveDirective);
        });
      });
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      return { directive: await violation, ran: 'ran' in window };
    });
    expect(blocked).toEqual({ directive: 'script-src-elem', ran: false });
  });
});


const LOADS: [string, (page: Page, api: Api) => Promise<void>][] = [
  [
    'catalogue',
    async (page) => {
      await page.goto('/');
      await expect(catalogue(page).cards).toHaveCount(24);
    },
  ],
  [
    'product',
    async (page) => {
      await page.goto('/products/1');
      await expect(product(page).reviews).toHaveCount(10);
    },
  ],
  [
    'review',
    async (page, api) => {
      const params = { path: { id: '1' }, query: { limit: 1 } };
      const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
      await page.goto(`/reviews/${items[0]!.id}`);
      await expect(review(page).where).toBeVisible();
    },
  ],
];

for (const [name, load] of LOADS) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    test(`the layout does not shift during loading: ${name}, ${viewport.width} pixels`, async ({
      page,
      api,
    }) => {
      await page.setViewportSize(viewport);
      // Slow enough that the skeletons are painted first.
      await page.route('**/api/**', async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        await route.continue();
      });
      await page.addInitScript(() => {
        window.layoutShift = 0;
        new PerformanceObserver((list) => {
          for (const shift of list.getEntries()) window.layoutShift += (shift as LayoutShift).value;
        }).observe({ type: 'layout-shift', buffered: true });
      });
      await load(page, api);
      await appStarted(page);
      await page.evaluate(async () => {
        await document.fonts.ready;
        // The browser reports a frame's shifts two frames later.
        for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
      });
      const shift = await page.evaluate(() => window.layoutShift);
      expect(shift).toBeLessThan(MAX_LAYOUT_SHIFT);

      // The observer works: it reports a shift.
      await page.evaluate(() => (document.body.style.paddingTop = '100px'));
      await expect
        .poll(() => page.evaluate(() => window.layoutShift))
        .toBeGreaterThan(shift + MAX_LAYOUT_SHIFT);
    });
  }
}

type LayoutShift = PerformanceEntry & { value: number };

declare global {
  interface Window {
    layoutShift: number;
  }
}
