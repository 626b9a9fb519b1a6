// What a user has written survives: reloads, other pages, accidents; and it is posted once.
import type { Page } from '@playwright/test';

import { PASSWORD, signUp } from '../accounts.js';
import { credentials, header, ownReview, product } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const PATH = '/products/1';
const REVIEWS = '**/api/products/1/reviews';

async function rating(api: Api) {
  return ok(await api.GET('/api/products/{id}/rating', { params: { path: { id: '1' } } }));
}

async function write(page: Page, body: string) {
  const { form } = product(page);
  await form.stars('4 stars').check();
  await form.title.fill('A headline');
  await form.body.fill(body);
}

async function expectDraft(page: Page, body: string) {
  const { form } = product(page);
  await expect(form.body).toHaveValue(body);
  await expect(form.title).toHaveValue('A headline');
  await expect(form.stars('4 stars')).toBeChecked();
}

test('a draft survives reloading, the API docs and a closed tab, until it is discarded', async ({
  page,
  context,
}) => {
  await page.goto(PATH);
  await write(page, 'Half a thought');
  await page.reload();
  await expectDraft(page, 'Half a thought');
  await page.goto('/docs/');
  await page.goBack();
  await expectDraft(page, 'Half a thought');
  await page.close();

  const later = await context.newPage();
  await later.goto(PATH);
  await expectDraft(later, 'Half a thought');
  await later.getByRole('button', { name: 'Discard' }).click();
  await expect(product(later).form.body).toHaveValue('');
  await later.reload();
  await expect(product(later).form.post).toBeVisible();
  await expect(product(later).form.body).toHaveValue('');
  await expect(later.getByRole('button', { name: 'Discard' })).toHaveCount(0);
});

test('a draft survives creating an account', async ({ page }) => {
  await page.goto(PATH);
  await write(page, 'First as a guest');
  await header(page).signIn.click();
  await page.getByRole('link', { name: 'Create an account' }).click();
  const { name, password, send } = credentials(page, 'Create an account');
  await name.fill('aspasia');
  await password.fill(PASSWORD);
  await send.click();
  await expectDraft(page, 'First as a guest');
  await expect(product(page).form.author).toHaveValue('aspasia');
  await product(page).form.post.click();
  await expect(ownReview(page).card).toContainText('First as a guest');
});

test('an edit that was cancelled is offered again', async ({ page }) => {
  await signUp(page, 'aspasia');
  await page.goto(PATH);
  await write(page, 'As it was.');
  await product(page).form.post.click();
  const own = ownReview(page);
  await own.edit.click();
  await own.body.fill('As it will be.');
  await own.form.getByRole('button', { name: 'Cancel' }).click();
  await expect(own.card).toContainText('As it was.');
  await page.reload();
  await own.card.getByRole('button', { name: 'Go on with it' }).click();
  await expect(own.body).toHaveValue('As it will be.');
  await own.save.click();
  await expect(own.card).toContainText('As it will be.');
  await expect(own.card).not.toContainText('not saved');
});

test.describe('when the answer is lost', () => {
  test.use({ expectedComplaints: /ERR_FAILED|status of 422/ });

  /** The server stores the first review, but its response is lost. */
  async function loseFirstAnswer(page: Page) {
    let attempts = 0;
    await page.route(REVIEWS, async (route) => {
      if (route.request().method() === 'POST' && ++attempts === 1) {
        await route.fetch();
        await route.abort();
      } else {
        await route.continue();
      }
    });
  }

  test('one more letter does not make a second review of a guest', async ({ page, api }) => {
    const { count } = await rating(api);
    await loseFirstAnswer(page);
    await page.goto(PATH);
    await write(page, 'Said once');
    const { form } = product(page);
    await form.post.click();
    await expect(page.getByRole('alert')).toContainText('was not posted');
    await page.reload();
    await expectDraft(page, 'Said once');
    await form.body.fill('Said once.');
    await form.post.click();
    const alert = page.getByRole('form').getByRole('alert');
    await expect(alert).toContainText('An earlier attempt has arrived');
    expect(await rating(api)).toMatchObject({ count: count + 1 });

    await alert.getByRole('button', { name: 'Post this as another review' }).click();
    await expect(form.status).toHaveText('Your review has been posted.');
    expect(await rating(api)).toMatchObject({ count: count + 2 });
  });

  test('an account changes the review that has arrived', async ({ page, api }) => {
    const { count } = await rating(api);
    await signUp(page, 'aspasia');
    await loseFirstAnswer(page);
    await page.goto(PATH);
    await write(page, 'Said once');
    await product(page).form.post.click();
    await expect(page.getByRole('alert')).toContainText('was not posted');
    await product(page).form.body.fill('Said once, and better.');
    await product(page).form.post.click();
    const own = ownReview(page);
    await expect(own.card).toContainText('Said once');
    await own.card.getByRole('button', { name: 'Go on with it' }).click();
    await expect(own.body).toHaveValue('Said once, and better.');
    await own.save.click();
    await expect(own.card).toContainText('Said once, and better.');
    expect(await rating(api)).toMatchObject({ count: count + 1 });
  });
});

test('a slow post and Back make one review', async ({ page, api }) => {
  const { count } = await rating(api);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let posts = 0;
  const arrived = new Promise<void>((resolve) => {
    void page.route(REVIEWS, async (route) => {
      if (route.request().method() !== 'POST' || ++posts > 1) return route.continue();
      const response = await route.fetch();
      resolve();
      await released;
      await route.fulfill({ response });
    });
  });
  await page.goto('/');
  await page.getByRole('link', { name: 'Brown teddy bear' }).click();
  await write(page, 'Slowly');
  await product(page).form.post.click();
  await arrived;
  await page.goBack();
  await expect(page).toHaveURL('/');
  await page.goForward();
  await expectDraft(page, 'Slowly');
  await product(page).form.post.click();
  await expect(product(page).form.status).toHaveText('Your review has been posted.');
  release();
  expect(await rating(api)).toMatchObject({ count: count + 1 });
});

/** Holds posts back until the returned function is called. */
async function holdPost(page: Page): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(REVIEWS, async (route) => {
    if (route.request().method() === 'POST') await released;
    await route.continue();
  });
  return release;
}

test('what an account types while its post is under way becomes an edit', async ({ page }) => {
  await signUp(page, 'aspasia');
  const release = await holdPost(page);
  await page.goto(PATH);
  await write(page, 'On its way');
  await product(page).form.post.click();
  await product(page).form.body.fill('On its way, with more.');
  release();
  const own = ownReview(page);
  await own.card.getByRole('button', { name: 'Go on with it' }).click();
  await expect(own.body).toHaveValue('On its way, with more.');
});

test('what is typed while a post is under way is kept', async ({ page }) => {
  const release = await holdPost(page);
  await page.goto(PATH);
  await write(page, 'On its way');
  const { form } = product(page);
  await form.post.click();
  await form.body.fill('On its way, with more.');
  release();
  await expect(form.status).toHaveText('Your review has been posted.');
  await expect(form.body).toHaveValue('On its way, with more.');
});
