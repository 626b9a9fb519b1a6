// Moderation: from a report to a decision, and back.
import type { Page } from '@playwright/test';

import { ADMIN, signIn, signUp } from '../accounts.js';
import { decision, product } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const TEDDY = '1';

function queue(page: Page) {
  const main = page.getByRole('main');
  return {
    reviews: main.getByRole('article'),
    all: main.getByRole('checkbox', { name: 'Select all' }),
    decided: main.locator('.decided'),
    undo: main.getByRole('button', { name: 'Undo' }),
    bulk: (name: string) => main.getByRole('button', { name: `${name} for all selected reviews` }),
    press: (index: number, name: string) =>
      main.getByRole('article').nth(index).getByRole('button', { name: new RegExp(`^${name}`) }),
  };
}

async function post(api: Api, body: string): Promise<string> {
  const params = { path: { id: TEDDY } };
  return ok(await api.POST('/api/products/{id}/reviews', { params, body: { body, rating: 1 } })).id;
}

/** Decides about the demo's reviews, so that the queue is empty. */
test.beforeEach(async ({ page, context }) => {
  await signIn(page, ADMIN);
  const { items } = await (await page.request.get('/api/moderation/queue?limit=100')).json();
  const reviews = items.map(({ id, version }: { id: string; version: number }) => ({ id, version }));
  const data = { decision: 'approve', reason: 'within_rules', reviews };
  expect((await page.request.post('/api/moderation/decisions', { data })).ok()).toBe(true);
  await context.clearCookies();
});

test('a reader reports a review, a moderator rejects it and undoes the decision', async ({
  page,
  server,
}) => {
  await page.goto(`/products/${TEDDY}`);
  const first = product(page).reviews.first();
  const text = await first.locator('.review-body').innerText();
  await first.getByRole('button', { name: /^Report/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Report this review' });
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog).toContainText('Please choose a reason.');
  await dialog.getByRole('radio', { name: 'Other' }).check();
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog.getByRole('textbox', { name: 'Note' })).toBeFocused();
  await dialog.getByRole('textbox', { name: 'Note' }).fill('About another bear');
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog).toContainText('Thank you.');
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  await expect(first.getByRole('button', { name: /^Report/ })).toBeFocused();

  await signUp(page, 'pericles', 'moderator');
  await page.goto('/admin/queue');
  const { reviews, press, decided, undo } = queue(page);
  await expect(reviews).toHaveCount(1);
  await expect(reviews).toContainText(text.split('\n')[0]!);
  await expect(reviews).toContainText('About another bear');
  // Ratings are hidden, so that they don't influence the decision.
  await expect(reviews.getByRole('img')).toHaveCount(0);
  await press(0, 'Reject').click();
  const ask = decision(page);
  await expect(ask.reason).toBeFocused();
  await ask.send('Reject').click();
  await expect(ask.dialog).toContainText('Please choose a reason.');
  await ask.reason.selectOption('off_topic');
  await ask.send('Reject').click();
  await expect(decided).toContainText('1 review rejected.');
  await expect(reviews).toHaveCount(0);
  await page.goto(`/products/${TEDDY}`);
  await expect(product(page).reviews.first()).not.toContainText(text.split('\n')[0]!);
  await page.goBack();

  await page.goto('/admin/queue');
  await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();
  await expect(undo).toBeHidden();
  await server.run('verify');
});

test.describe('with moderation before publishing', () => {
  test.use({ settings: { OSTRAKON_PRE_MODERATION: 'true' } });

  test('several reviews are decided by keyboard, and undone', async ({ page, server, api }) => {
    for (const body of ['One.', 'Two.', 'Three.']) await post(api, body);
    await signUp(page, 'pericles', 'moderator');
    await page.goto('/admin/queue');
    const { reviews, all, bulk, decided, undo } = queue(page);
    // Oldest first.
    await expect(reviews).toHaveText([/One\./, /Two\./, /Three\./]);
    await all.focus();
    await page.keyboard.press('Space');
    await bulk('Approve').focus();
    await page.keyboard.press('Enter');
    const ask = decision(page);
    await expect(ask.dialog).toContainText('Approve 3 reviews');
    await expect(ask.reason).toHaveValue('within_rules');
    await expect(ask.send('Approve')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(decided).toContainText('3 reviews approved.');
    await expect(decided).toBeFocused();
    await expect(reviews).toHaveCount(0);

    await page.keyboard.press('Tab');
    await expect(undo).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(reviews).toHaveText([/One\./, /Two\./, /Three\./]);
    await page.reload();
    await expect(reviews).toHaveCount(3);
    await server.run('verify');
  });

  test('the decision of another moderator is not overwritten', async ({ page, server, api, browser }) => {
    await post(api, 'Contested.');
    await post(api, 'Left alone.');
    await signUp(page, 'pericles', 'moderator');
    await page.goto('/admin/queue');
    const mine = queue(page);
    await expect(mine.reviews).toHaveCount(2);

    const elsewhere = await browser.newPage({ baseURL: server.url });
    await signUp(elsewhere, 'cleon', 'moderator');
    await elsewhere.goto('/admin/queue');
    await queue(elsewhere).press(0, 'Spam').click();
    await decision(elsewhere).send('Spam').click();
    await expect(queue(elsewhere).decided).toContainText('1 review marked as spam.');
    await elsewhere.close();

    await mine.all.check();
    await mine.bulk('Approve').click();
    await decision(page).send('Approve').click();
    await expect(mine.decided).toContainText('1 review approved. 1 failed:');
    await expect(mine.reviews).toHaveCount(1);
    await expect(mine.reviews).toContainText('Contested.');
    await mine.reviews.getByRole('button', { name: 'Reload the queue' }).click();
    await expect(page.getByRole('heading', { name: 'The queue is empty' })).toBeVisible();
  });

  test('moderators see only the queue', async ({ page }) => {
    await signUp(page, 'pericles', 'moderator');
    await page.goto('/admin');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not allowed');
    // What to ask for, and whom.
    await expect(page.getByRole('main')).toContainText(
      'ask an admin of this site to make the account pericles an admin',
    );
    await page.getByRole('link', { name: 'Go to the queue' }).click();
    await expect(page).toHaveURL('/admin/queue');
    const nav = page.getByRole('navigation', { name: 'Administration' });
    await expect(nav.getByRole('link')).toHaveText(['Queue']);
  });
});
