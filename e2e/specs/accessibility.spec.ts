import type { Page } from '@playwright/test';
import axe from 'axe-core';

import { ADMIN, signIn, signUp } from '../accounts.js';
import { catalogue, decision, header, ownReview, product, review } from '../pages.js';
import type { Server } from '../server.js';
import {
  appStarted,
  expect,
  ok,
  repeatedIds,
  test,
  withoutPreloadedResponses,
  type Api,
} from '../test.js';

type Visit = { name: string; open: (page: Page, api: Api, server: Server) => Promise<void> };

/** Every page, and every state that looks different. */
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
      await expect(form.status).toHaveText('Your review has been posted.');
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
    name: 'report',
    open: async (page) => {
      await page.goto('/products/1');
      await product(page).reviews.first().getByRole('button', { name: /^Report/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Report this review' });
      await dialog.getByRole('button', { name: 'Send report' }).click();
      await expect(dialog).toContainText('Please choose a reason.');
    },
  },
  {
    name: 'sign in',
    open: async (page) => {
      await page.goto('/sign-in');
      await page.getByRole('form').getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
    },
  },
  {
    name: 'register',
    open: async (page) => {
      await page.goto('/register');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create an account');
    },
  },
  {
    name: 'account',
    open: async (page) => {
      await signUp(page, 'aspasia');
      await page.goto('/account');
      const form = page.getByRole('form', { name: 'New API token' });
      await form.getByLabel('Name').fill('import script');
      await form.getByRole('button', { name: 'Create token' }).click();
      await expect(page.getByRole('group', { name: 'The new token' })).toBeVisible();
      await header(page).menu('aspasia').click();
      await expect(header(page).signOut).toBeVisible();
    },
  },
  {
    name: 'own review',
    open: async (page) => {
      await signUp(page, 'aspasia');
      await page.goto('/products/1');
      await product(page).form.body.fill('Averylongwordwithoutanyplacetobreakit'.repeat(10));
      await product(page).form.post.click();
      await expect(ownReview(page).card).toBeVisible();
    },
  },
  {
    name: 'my reviews, one being edited',
    open: async (page) => {
      await signUp(page, 'aspasia');
      await page.request.post('/api/products/1/reviews', { data: { body: 'Fine.' } });
      await page.goto('/account/reviews');
      await page.getByRole('button', { name: 'Edit' }).click();
      await expect(ownReview(page).form).toBeVisible();
    },
  },
  {
    name: 'not allowed',
    open: async (page) => {
      await signUp(page, 'aspasia');
      await page.goto('/admin');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not allowed');
    },
  },
  {
    name: 'queue',
    open: async (page) => {
      await signUp(page, 'pericles', 'moderator');
      await page.goto('/admin/queue');
      // Of the demo's reviews, some wait and some are reported.
      const first = page.getByRole('article').first();
      await first.getByRole('checkbox').check();
      await first.getByRole('button', { name: /^Reject/ }).click();
      await expect(decision(page).dialog).toBeVisible();
    },
  },
  {
    name: 'overview',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin');
      await expect(page.getByRole('img', { name: /reviews in 30 days/ })).toBeVisible();
      await page.getByText('View as a table').click();
    },
  },
  {
    name: 'all reviews',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/reviews?database=reviews-2');
      await expect(page.getByRole('row')).toHaveCount(51);
      await page.getByRole('row').nth(1).getByRole('checkbox').check();
    },
  },
  {
    name: 'a review in front of all',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/reviews');
      await page.getByRole('row').nth(1).getByRole('link').last().click();
      await expect(page.getByRole('dialog', { name: 'Review' })).toContainText('Bucket');
    },
  },
  {
    name: 'administration of products',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/products');
      await expect(page.getByRole('listitem').first()).toBeVisible();
      await page.getByRole('button', { name: 'New product' }).click();
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
    },
  },
  {
    name: 'administration of accounts',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/accounts');
      await expect(page.getByRole('combobox', { name: 'Role of admin' })).toBeVisible();
    },
  },
  {
    name: 'access of an account',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/accounts');
      await page.getByRole('link', { name: 'Access of admin' }).click();
      await expect(page.getByRole('list', { name: 'Sessions' }).getByRole('listitem')).toHaveCount(1);
    },
  },
  {
    name: 'audit trail',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/audit');
      await expect(page.getByRole('list', { name: 'Audit trail' })).toContainText('127.0.0.1');
    },
  },
  {
    name: 'databases',
    open: async (page) => {
      await signIn(page, ADMIN);
      await page.goto('/admin/databases');
      await page.getByRole('button', { name: 'Verify reviews-1' }).click();
      await expect(page.getByText('no problems found')).toBeVisible();
    },
  },
  {
    name: 'plan of a rebalance',
    open: async (page, _, server) => {
      await server.run('databases', 'add');
      await signIn(page, ADMIN);
      await page.goto('/admin/rebalance');
      await page.getByRole('button', { name: 'Plan', exact: true }).click();
      await expect(page.getByRole('region', { name: 'Buckets before and after' })).toBeVisible();
    },
  },
  {
    name: 'paused rebalance',
    open: async (page, _, server) => {
      await server.run('databases', 'add');
      await signIn(page, ADMIN);
      await page.goto('/admin/rebalance');
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      await button('Plan').click();
      await page.getByRole('textbox', { name: 'Limit' }).fill('50');
      await button('Start').click();
      await button('Pause').click();
      await expect(button('Resume')).toBeVisible();
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
      await withoutPreloadedResponses(page);
      await page.route('**/api/products?*', (route) => route.abort());
      await page.goto('/');
      await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
    },
  },
];

test.use({ expectedComplaints: /status of 40[34]|ERR_FAILED/ });

for (const { name, open } of VISITS) {
  test(`axe finds no problem, and nothing overflows: ${name}`, async ({ page, api, server }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await open(page, api, server);
    await appStarted(page);
    expect(await repeatedIds(page), 'each id stands once').toEqual([]);
    await page.evaluate(axe.source);
    expect(await findings(page), 'light').toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await findings(page), 'dark').toEqual([]);

    await page.setViewportSize({ width: 320, height: 640 });
    await settled(page);
    const [width, needed] = await page.evaluate(() => {
      const page = document.documentElement;
      return [page.getBoundingClientRect().width, page.scrollWidth];
    });
    expect(needed, 'at 320 pixels').toBe(width);
  });
}

/** The violations that axe finds on the page. */
async function findings(page: Page): Promise<string[]> {
  await settled(page);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  expect(passes.map((pass) => pass.id)).toContain('color-contrast');
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => `${impact} ${id}: ${node.html}\n${node.failureSummary}`),
  );
}

for (const [reducedMotion, moves] of [
  ['no-preference', true],
  ['reduce', false],
] as const) {
  test(`motion: ${reducedMotion}`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion });
    await withoutPreloadedResponses(page);
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

/** Whether any animation on the page lasts long enough to be noticed. */
function moving(page: Page): Promise<boolean> {
  return page.evaluate(() =>
    document.getAnimations().some((animation) => {
      const { endTime } = animation.effect!.getComputedTiming();
      return animation.playState === 'running' && Number(endTime) > 20;
    }),
  );
}

/** Waits for the end of transitions, so that axe measures no intermediate colours. */
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
