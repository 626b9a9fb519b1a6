// The page that moves buckets between databases.
import type { Locator, Page } from '@playwright/test';

import { ADMIN, signIn } from '../accounts.js';
import { expect, test } from '../test.js';

function rebalance(page: Page) {
  const progress = page.getByRole('region', { name: 'Progress' });
  const button = (name: string) => progress.getByRole('button', { name, exact: true });
  return {
    picture: page.getByRole('img', { name: /reviews-1 owns/ }),
    legend: page.getByRole('list', { name: 'Buckets of each database' }).getByRole('listitem'),
    progress,
    state: progress.locator('#rebalance-state'),
    goal: page.getByRole('combobox', { name: 'Goal' }),
    plan: page.getByRole('button', { name: 'Plan', exact: true }),
    planned: page.getByRole('region', { name: 'New plan' }),
    limit: progress.getByRole('textbox', { name: 'Limit' }),
    evenness: page.getByRole('region', { name: 'Buckets before and after' }).getByRole('row'),
    button,
    abortQuestion: page.getByRole('dialog', { name: 'Abort the rebalance?' }),
  };
}

test.beforeEach(async ({ page }) => signIn(page, ADMIN));

test.describe('with a fourth database', () => {
  test.beforeEach(async ({ page, server }) => {
    await server.run('databases', 'add');
    await page.goto('/admin/databases');
    await page.getByRole('link', { name: 'Move buckets between databases' }).click();
  });

  test('a quarter of the buckets moves to it while the page is watched', async ({ page }) => {
    const { picture, legend, progress, state, plan, button, evenness } = rebalance(page);
    await expect(state).toHaveText('No bucket has moved yet.');
    await expect(legend).toHaveText([/^reviews-1/, /^reviews-2/, /^reviews-3/, 'reviews-40']);
    const before = await shapes(picture);
    await plan.click();
    await expect(state).toHaveText('Rebalance 1 Planned');
    await expect(state).toBeFocused();
    await expect(progress).toContainText('256 to move');
    await expect(evenness.last()).toHaveText('reviews-40256');

    await button('Start').click();
    await expect(state).toHaveText('Rebalance 1 Running');
    await expect(progress.getByRole('progressbar', { name: 'Buckets moved' })).toBeVisible();
    // The picture changes while buckets move, and not only at the end.
    await expect(picture).toHaveAccessibleName(/reviews-4 owns (?!256)[1-9]\d* buckets?$/);
    expect(await shapes(picture)).not.toEqual(before);

    await expect(state).toHaveText('Rebalance 1 Finished', { timeout: 50_000 });
    await expect(progress).toContainText('256 of 256 moved');
    await expect(progress).toContainText(/p50 [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms/);
    await expect(legend).toHaveText([1, 2, 3, 4].map((number) => `reviews-${number}256`));
    await expect(evenness.last()).toHaveText('reviews-40256');
    await expect(button('Pause')).toBeHidden();
  });

  test('a rebalance is paused, throttled, resumed and aborted', async ({ page }) => {
    const { legend, progress, state, goal, plan, planned, limit, button, abortQuestion, evenness } =
      rebalance(page);
    await goal.selectOption('Drain reviews-1');
    await plan.click();
    await expect(progress).toContainText('Drain reviews-1');
    await limit.fill('fast');
    await button('Start').click();
    await expect(progress).toContainText('Please enter a whole number');
    await expect(limit).toBeFocused();
    await limit.fill('50');
    await button('Start').click();
    await expect(state).toHaveText('Rebalance 1 Running');
    await expect(planned).toBeHidden();

    await button('Pause').click();
    await expect(state).toHaveText('Rebalance 1 Paused');
    await limit.fill('20');
    await button('Set the limit').click();
    await expect(progress).toContainText('20 reviews/s');
    await button('Resume').click();
    await expect(state).toHaveText('Rebalance 1 Running');

    await button('Abort…').click();
    await page.keyboard.press('Escape');
    await expect(abortQuestion).toBeHidden();
    await expect(button('Abort…')).toBeFocused();
    await button('Abort…').click();
    await abortQuestion.getByRole('button', { name: 'Abort' }).click();
    await expect(abortQuestion).toBeHidden();
    await expect(state).toHaveText('Rebalance 1 Aborted');
    await expect(legend.first()).not.toHaveText('reviews-10');
    // What has moved, not what was to move.
    const left = ((await legend.first().textContent()) ?? '').replace('reviews-1', '');
    await expect(evenness.nth(1)).toHaveText(`reviews-1342${left}`);
    await expect(button('Resume')).toBeHidden();
    await expect(planned).toBeVisible();
  });

  test.describe('refusals', () => {
    test.use({ expectedComplaints: /status of 409/ });

    test('a plan that is no longer right is refused, and discarded', async ({ page, server }) => {
      const { progress, state, plan, button } = rebalance(page);
      await plan.click();
      await expect(state).toHaveText('Rebalance 1 Planned');
      await server.run('databases', 'add');
      await button('Start').click();
      await expect(progress.getByRole('alert')).toContainText('plan it again');
      await button('Discard the plan').click();
      await expect(state).toHaveText('No bucket has moved yet.');
    });
  });
});

test('a hidden tab asks nothing until it is seen again', async ({ page }) => {
  await page.clock.install();
  await page.goto('/admin/rebalance');
  await expect(rebalance(page).state).toBeVisible();
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true, configurable: true }));
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.clock.runFor('01:00');
  expect(asked).toEqual([]);
  const polled = page.waitForRequest('**/api/admin/rebalances');
  await page.evaluate(() => Reflect.deleteProperty(document, 'hidden'));
  await page.clock.runFor('00:10');
  await polled;
});

test.describe('without a further database', () => {
  test.use({ expectedComplaints: /status of 409/ });

  test('the page says why nothing can be planned', async ({ page }) => {
    await page.goto('/admin/rebalance');
    const { plan, planned, state } = rebalance(page);
    await plan.click();
    await expect(planned.getByRole('alert')).toContainText('nothing has to move');
    await expect(state).toHaveText('No bucket has moved yet.');
  });
});

test.describe('trouble', () => {
  test.use({ expectedComplaints: /ERR_CONNECTION_REFUSED/ });

  test('the page says what a rebalance waits for, and that it is outdated', async ({ page, server }) => {
    await server.run('databases', 'add');
    await server.run('rebalance', 'plan');
    await page.route('**/api/admin/rebalances', async (route) => {
      const response = await route.fetch().catch(() => undefined);
      if (!response) return route.abort('connectionrefused');
      const json = await response.json();
      json.items[0].waits_for = 'reviews-4: the disk is full';
      json.items[0].waits_since = json.items[0].created_at;
      await route.fulfill({ response, json });
    });
    await page.goto('/admin/rebalance');
    const { progress, state } = rebalance(page);
    await expect(progress).toContainText('Waiting, first noticed just now: reviews-4: the disk is full');

    const outdated = page.getByText('The page is not up to date');
    await server.stop();
    await expect(outdated).toContainText('The server can’t be reached.');
    await expect(state).toHaveText('Rebalance 1 Planned');
    await server.start();
    await expect(outdated).toBeHidden();
  });
});

/** The squares of each database. */
function shapes(picture: Locator): Promise<(string | null)[]> {
  return picture.locator('path').evaluateAll((paths) => paths.map((path) => path.getAttribute('d')));
}
