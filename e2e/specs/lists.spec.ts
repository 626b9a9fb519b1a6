// Where the focus is, and what screen readers say, when a list changes.
import type { Page } from '@playwright/test';

import { ADMIN, signIn, signUp } from '../accounts.js';
import { catalogue, product } from '../pages.js';
import { appStarted, expect, test } from '../test.js';

/** What the list's live region says. */
function announced(page: Page) {
  return page.getByRole('main').locator('.loaded > [aria-live="polite"]');
}

test('the first new review has the focus after "Load more"', async ({ page }) => {
  await page.goto('/products/1');
  await appStarted(page);
  const { reviews, more, permalinks } = product(page);
  await expect(reviews).toHaveCount(10);
  await expect(announced(page)).toBeEmpty();
  for (const pages of [1, 2]) {
    await more.focus();
    await page.keyboard.press('Enter');
    await expect(reviews).toHaveCount(10 * (pages + 1));
    await expect(reviews.nth(10 * pages)).toBeFocused();
    await expect(announced(page)).toHaveText(`Showing the first ${10 * (pages + 1)} reviews.`);
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(permalinks.nth(20), 'Tab goes on from there').toBeFocused();
});

test('the first new product has the focus, on the last page too', async ({ page }) => {
  await page.goto('/');
  await appStarted(page);
  const { cards, more } = catalogue(page);
  for (const [shown, all] of [[24, 48], [48, 62]] as const) {
    await expect(cards).toHaveCount(shown);
    await more.click();
    await expect(cards).toHaveCount(all);
    await expect(cards.nth(shown)).toBeFocused();
  }
  await expect(announced(page)).toHaveText('Showing 62 products.');
});

test('the first new row of a table has the focus', async ({ page }) => {
  await signIn(page, ADMIN);
  await page.goto('/admin/reviews');
  const boxes = page.getByRole('row').getByRole('checkbox');
  await expect(boxes).toHaveCount(50);
  await page.getByRole('button', { name: 'Load more reviews' }).click();
  await expect(boxes).toHaveCount(100);
  await expect(boxes.nth(50)).toBeFocused();
});

test('a changed filter is announced each time', async ({ page }) => {
  await page.goto('/products/1');
  await appStarted(page);
  const said: string[] = [];
  await page.exposeFunction('note', (text: string) => said.push(text));
  await announced(page).evaluate((region) => {
    const observer = new MutationObserver(() => {
      const text = region.textContent;
      if (text) (window as unknown as { note: (text: string) => void }).note(text);
    });
    observer.observe(region, { childList: true, characterData: true, subtree: true });
  });
  const { bar, showAll } = product(page);
  for (const [index, stars] of [5, 4].entries()) {
    await bar(stars).click();
    await expect(page).toHaveURL(new RegExp(`rating=${stars}`));
    await expect.poll(() => said.length).toBe(index + 1);
  }
  await showAll.click();
  await expect.poll(() => said.length).toBe(3);
  expect(new Set(said)).toEqual(new Set(['Showing the first 10 reviews.']));

  await page.goto('/');
  await catalogue(page).search.fill('trireme');
  await expect(announced(page)).toHaveText('No products.');
});

test('deleting asks first, and Enter deletes nothing', async ({ page }) => {
  await signUp(page, 'aspasia');
  await page.request.post('/api/products/1/reviews', { data: { body: 'It stays.' } });
  await page.goto('/account/reviews');
  await page.getByRole('button', { name: 'Delete' }).click();
  const question = page.getByRole('dialog', { name: 'Delete your review?' });
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(question).toBeHidden();
  await page.reload();
  await expect(page.getByRole('article')).toContainText('It stays.');
});

test('a message of success goes away when the next action starts', async ({ page }) => {
  await signUp(page, 'aspasia');
  await page.goto('/account');
  const form = page.getByRole('form', { name: 'New API token' });
  await form.getByLabel('Name').fill('import script');
  await form.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByText('The token has been created.')).toBeVisible();
  await page.getByRole('button', { name: 'Revoke import script' }).click();
  await expect(page.getByText('The token has been revoked.')).toBeVisible();
  await expect(page.getByText('The token has been created.')).toBeHidden();
});
