// An account's own reviews: one per product, which the author can edit and delete.
import type { Page } from '@playwright/test';

import { signUp } from '../accounts.js';
import { ownReview, product } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const TEDDY = '1';

async function count(api: Api): Promise<number> {
  const params = { path: { id: TEDDY } };
  return ok(await api.GET('/api/products/{id}/rating', { params })).count;
}

async function post(page: Page, body: string): Promise<void> {
  await page.goto(`/products/${TEDDY}`);
  const { form } = product(page);
  await form.stars('2 stars').check();
  await form.body.fill(body);
  await form.post.click();
}

test('your own review replaces the form, and lists show its changes', async ({
  page,
  server,
  api,
}) => {
  const before = await count(api);
  await signUp(page, 'aspasia');
  await post(page, 'The left ear came off.');
  const teddy = product(page);
  const own = ownReview(page);
  await expect(own.status).toHaveText('Your review has been posted.');
  await expect(own.card).toContainText('The left ear came off.');
  await expect(teddy.form.body).toHaveCount(0);
  await expect(teddy.reviews.first()).toContainText('member');
  await expect(teddy.rating).toContainText(`${before + 1} reviews`);

  await page.reload();
  await own.edit.click();
  await own.body.fill('Sewn on again, it holds.');
  await own.form.getByRole('radio', { name: '5 stars' }).check();
  await own.save.click();
  await expect(own.status).toHaveText('Your review has been updated.');
  await expect(own.card).toContainText('edited');
  const mine = teddy.reviews.first();
  await expect(mine).toContainText('Sewn on again, it holds.');
  await expect(mine).toContainText('edited');
  await expect(mine.getByRole('img', { name: '5 out of 5 stars' })).toBeVisible();

  await own.delete.click();
  await own.reallyDelete.click();
  await expect(own.status).toHaveText('Your review has been deleted.');
  await expect(teddy.form.body).toBeVisible();
  await expect(teddy.reviews.first()).not.toContainText('Sewn on again');
  await expect(teddy.rating).toContainText(`${before} reviews`);
  expect(await count(api)).toBe(before);
  await server.run('verify');
});

test('your own review is in the lists to which it belongs', async ({ page }) => {
  await signUp(page, 'aspasia');
  await page.goto(`/products/${TEDDY}?rating=1`);
  const teddy = product(page);
  await expect(teddy.reviews.first()).toBeVisible();
  const write = page.getByRole('main').getByRole('link', { name: 'Write a review' });
  await expect(write).toBeVisible();
  await teddy.form.stars('5 stars').check();
  await teddy.form.body.fill('All five.');
  await teddy.form.post.click();
  await expect(ownReview(page).card).toContainText('All five.');
  await expect(teddy.reviews.filter({ hasText: 'All five.' })).toHaveCount(0);
  await expect(page.getByRole('main').getByRole('link', { name: 'Your review' })).toBeVisible();

  await teddy.showAll.click();
  const mine = teddy.reviews.filter({ hasText: 'All five.' });
  await expect(mine).toContainText('Your review');
  await expect(mine.getByRole('button', { name: 'Report' })).toHaveCount(0);
  await page.reload();
  await expect(mine).toContainText('Your review');
  await expect(mine.getByRole('button', { name: 'Report' })).toHaveCount(0);
  const others = teddy.reviews.nth(1);
  await expect(others.getByRole('button', { name: 'Report' })).toBeVisible();
  await expect(others.getByText('Your review')).toBeHidden();
});

test('one page lists all your reviews', async ({ page }) => {
  await signUp(page, 'aspasia');
  await page.goto('/account/reviews');
  await expect(page.getByRole('heading', { name: 'You have not reviewed' })).toBeVisible();
  await post(page, 'It squeaks.');
  await expect(ownReview(page).card).toBeVisible();

  await page.goto('/account/reviews');
  const review = page.getByRole('main').getByRole('article');
  await expect(review).toContainText('It squeaks.');
  await expect(review).toContainText('Published');
  await expect(review.getByRole('link', { name: 'Brown teddy bear' })).toBeVisible();
  await review.getByRole('button', { name: 'Edit' }).click();
  const { body, save, reallyDelete } = ownReview(page);
  await body.fill('It squeaks no more.');
  await save.click();
  await expect(review).toContainText('It squeaks no more.');
  await review.getByRole('button', { name: 'Delete' }).click();
  await reallyDelete.click();
  await expect(page.getByRole('heading', { name: 'You have not reviewed' })).toBeVisible();
});

test.describe('when it is changed in two places', () => {
  test.use({ expectedComplaints: /status of (409|412)/ });

  test('nothing is overwritten', async ({ page, server, context }) => {
    await signUp(page, 'aspasia');
    await post(page, 'First.');
    const own = ownReview(page);
    await own.edit.click();
    await own.body.fill('From here.');

    const elsewhere = await context.newPage();
    await elsewhere.goto(`${server.url}/account/reviews`);
    await elsewhere.getByRole('button', { name: 'Edit' }).click();
    await ownReview(elsewhere).body.fill('From elsewhere.');
    await ownReview(elsewhere).save.click();
    await expect(elsewhere.getByRole('article')).toContainText('From elsewhere.');

    await own.save.click();
    const alert = own.form.getByRole('alert');
    await expect(alert).toContainText('was not saved');
    await expect(own.body).toHaveValue('From here.');
    await alert.getByRole('button', { name: 'Load the current text' }).click();
    await expect(own.body).toHaveValue('From elsewhere.');
    await own.body.fill('From both.');
    await own.save.click();
    await expect(own.card).toContainText('From both.');
  });

  test('a second review of a product is refused', async ({ page, context }) => {
    await signUp(page, 'aspasia');
    await page.goto(`/products/${TEDDY}`);
    await product(page).form.body.fill('Again?');
    const elsewhere = await context.newPage();
    await post(elsewhere, 'Before.');
    await expect(ownReview(elsewhere).card).toBeVisible();

    await product(page).form.post.click();
    await expect(ownReview(page).card).toContainText('Before.');
    await expect(ownReview(page).status).toContainText('You have already reviewed this product.');
  });
});

test.describe('with moderation before publishing', () => {
  // Others get 404 for a review that waits.
  test.use({
    settings: { OSTRAKON_PRE_MODERATION: 'true' },
    expectedComplaints: /status of 404/,
  });
  const WAITING = 'Your review will appear once a moderator has approved it.';

  test('its author reads why a review was hidden, and changes it', async ({ page, browser }) => {
    await signUp(page, 'aspasia');
    await post(page, 'Call 555.');
    const own = ownReview(page);
    await expect(own.card).toContainText('Pending');
    const id = (await own.card.getAttribute('id'))!.replace('own-', '');
    const moderator = await (await browser.newContext({ baseURL: new URL(page.url()).origin })).newPage();
    await signUp(moderator, 'pericles', 'moderator');
    const reviews = [{ id, version: 1 }];
    const data = { decision: 'reject', reason: 'personal_data', note: 'a number', reviews };
    expect((await moderator.request.post('/api/moderation/decisions', { data })).ok()).toBe(true);

    await page.reload();
    await expect(own.card).toContainText('it names people, addresses or numbers (a number)');
    await own.edit.click();
    await expect(own.form).toContainText('A moderator reads each review before it appears.');
    await own.body.fill('Call me.');
    await own.save.click();
    await expect(own.card).toContainText('Pending');
    await page.goto(`/reviews/${id}`);
    await expect(page.getByRole('article')).toContainText('Call me.');
  });

  test('the page says that the review awaits moderation', async ({ page }) => {
    await page.goto(`/products/${TEDDY}`);
    await expect(page.getByRole('form')).toContainText('A moderator reads each review');
    await post(page, 'From a guest.');
    await expect(product(page).form.status).toHaveText(WAITING);
    const waiting = product(page).reviews.first();
    await expect(waiting).toContainText('From a guest.');
    await expect(waiting).toContainText('Pending');

    await signUp(page, 'aspasia');
    await post(page, 'From an account.');
    await expect(ownReview(page).status).toHaveText(WAITING);
    await expect(ownReview(page).card).toContainText('Pending');
  });
});

test.describe('without reviews by guests', () => {
  test.use({ settings: { OSTRAKON_GUEST_REVIEWS: 'false' } });

  test('guests are asked to sign in', async ({ page }) => {
    await page.goto(`/products/${TEDDY}`);
    const panel = page.getByRole('region', { name: 'Write a review' });
    await expect(panel).toContainText('need an account');
    await panel.getByRole('link', { name: 'Sign in' }).click();
    await expect(page).toHaveURL('/sign-in?next=%2Fproducts%2F1');
  });
});

test.describe('names', () => {
  test.use({ expectedComplaints: /status of 422/ });

  test('a pen name has no member badge, and another account’s name is refused', async ({
    page,
  }) => {
    await signUp(page, 'pericles');
    await page.context().clearCookies();
    await signUp(page, 'aspasia');
    await page.goto(`/products/${TEDDY}`);
    const { form, reviews } = product(page);
    await form.body.fill('The left ear came off.');
    await form.author.fill('Реricles');
    await form.post.click();
    await expect(form.author).toHaveAccessibleDescription(/the name of an account/);
    await form.author.fill('A. of Miletus');
    await form.post.click();
    await expect(reviews.first()).toContainText('A. of Miletus');
    await expect(reviews.first()).not.toContainText('member');
  });
});
