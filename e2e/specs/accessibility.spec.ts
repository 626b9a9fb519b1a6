import type { Page } from '@playwright/test';
import axe from 'axe-core';

import { catalogue, product, review } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

type Visit = { name: string; open: (page: Page, api: Api) => Promise<void> };

/** Every page, and every state of one that looks different. */
const VISITS: Visit[] = [
  {
    name: 'catalogue',
    open: async (page) => {
      await page.goto('/');
      await expect(catalogue(page).cards).toHaveCount(24);
    },
  },
  {
    name: 'empty search',
    open: async (page) => {
      await page.goto('/?search=trireme');
      await expect(page.getByRole('heading', { name: 'No products match' })).toBeVisible();
    },
  },
  {
    name: 'product',
    open: async (page) => {
      await page.goto('/products/1?rating=4');
      await expect(product(page).reviews).not.toHaveCount(0);
    },
  },
  {
    name: 'product with form errors',
    open: async (page) => {
      await page.goto('/products/1');
      const { form } = product(page);
      await form.title.fill('x'.repeat(300));
      await form.post.click();
      await expect(form.body).toHaveAttribute('aria-invalid', 'true');
      await expect(product(page).reviews).not.toHaveCount(0);
    },
  },
  {
    name: 'product with a new review',
    open: async (page) => {
      await page.goto('/products/1');
      const { form } = product(page);
      await form.title.fill('A title');
      await form.body.fill('Averylongwordwithoutanyplacetobreakit'.repeat(10));
      await form.post.click();
      await expect(form.status).toHaveText('Your review is posted.');
    },
  },
  {
    name: 'review',
    open: async (page, api) => {
      const params = { path: { id: '1' }, query: { limit: 1 } };
      const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
      await page.goto(`/reviews/${items[0]!.id}`);
      await expect(review(page).where).toBeVisible();
    },
  },
  {
    name: 'not found',
    open: async (page) => {
      await page.goto('/nonsense');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Page not found');
    },
  },
  {
    name: 'error',
    open: async (page) => {
      await page.route('**/api/products?*', (route) => route.abort());
      await page.goto('/');
      await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
    },
  },
];

test.use({ expectedComplaints: /status of 404|ERR_FAILED/ });

for (const { name, open } of VISITS) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing: ${name}, ${colorScheme}`, async ({ page, api }) => {
      await page.emulateMedia({ colorScheme });
      await open(page, api);
      await settled(page);
      await page.evaluate(axe.source);
      const { violations, passes } = await page.evaluate(() => window.axe.run());
      expect(passes.map((pass) => pass.id)).toContain('color-contrast');
      const findings = violations.flatMap(({ id, impact, nodes }) =>
        nodes.map((node) => `${impact} ${id}: ${node.html}\n${node.failureSummary}`),
      );
      expect(findings).toEqual([]);
    });
  }

  test(`nothing sticks out at 320 pixels: ${name}`, async ({ page, api }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    await open(page, api);
    await settled(page);
    const [width, needed] = await page.evaluate(() => {
      const page = document.documentElement;
      return [page.getBoundingClientRect().width, page.scrollWidth];
    });
    expect(needed).toBe(width);
  });
}

for (const [reducedMotion, moves] of [
  ['no-preference', true],
  ['reduce', false],
] as const) {
  test(`motion: ${reducedMotion}`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion });
    const { promise: answer, resolve: release } = held();
    await page.route('**/api/products?*', async (route) => {
      await answer;
      await route.continue();
    });
    await page.goto('/');
    const skeletons = page.getByRole('main').locator('[aria-busy=true]');
    await expect(skeletons).toBeVisible();
    expect(await moving(page)).toBe(moves);
    release();
    await expect(catalogue(page).cards).toHaveCount(24);
  });
}

/** Whether anything on the page is animated for longer than one could notice. */
function moving(page: Page): Promise<boolean> {
  return page.evaluate(() =>
    document.getAnimations().some((animation) => {
      const { endTime } = animation.effect!.getComputedTiming();
      return animation.playState === 'running' && Number(endTime) > 20;
    }),
  );
}

/** Waits for the end of what moves on, so that no colour is measured half-way. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const finite = document.getAnimations().filter((animation) => {
      return animation.effect?.getComputedTiming().endTime !== Infinity;
    });
    await Promise.all(finite.map((animation) => animation.finished));
  });
}

function held(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}
