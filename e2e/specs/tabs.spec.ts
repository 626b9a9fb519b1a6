// Two tabs: nobody writes as somebody else because of what happened in the other one.
import type { Page } from '@playwright/test';

import { PASSWORD, signIn, signUp } from '../accounts.js';
import { credentials, header, ownReview, product } from '../pages.js';
import { expect, ok, test, type Api } from '../test.js';

const PATH = '/products/1';

async function newest(api: Api) {
  const params = { path: { id: '1' }, query: { limit: 1 } };
  return ok(await api.GET('/api/products/{id}/reviews', { params })).items[0]!;
}

function choice(page: Page) {
  const notice = page.getByRole('form').getByRole('alert');
  return { notice, goOn: (as: string) => notice.getByRole('button', { name: `Go on as ${as}` }) };
}

test('signed out in another tab: the form asks before it posts as a guest', async ({
  page,
  context,
  api,
}) => {
  await signUp(page, 'aspasia');
  await page.goto(PATH);
  const { form } = product(page);
  await expect(form.post).toBeVisible();
  await expect(page.getByText('Sign in again').first()).toBeHidden();
  await form.body.fill('Half as aspasia.');

  const elsewhere = await context.newPage();
  await elsewhere.goto('/');
  await header(elsewhere).menu('aspasia').click();
  await header(elsewhere).signOut.click();

  const { notice, goOn } = choice(page);
  await expect(notice).toContainText('no longer signed in as aspasia');
  await expect(form.body).toHaveValue('Half as aspasia.');
  await expect(form.author).toHaveValue('');
  await form.post.click();
  await expect(notice).toBeFocused();
  expect((await newest(api)).body).not.toBe('Half as aspasia.');

  await goOn('a guest').click();
  await expect(notice).toHaveCount(0);
  await form.post.click();
  await expect(form.status).toHaveText('Your review has been posted.');
  expect(await newest(api)).toMatchObject({ body: 'Half as aspasia.', author_name: null });
});

test('another account in another tab: the form says whose review it would be', async ({
  page,
  context,
  api,
}) => {
  await signUp(page, 'pericles');
  await signUp(page, 'aspasia');
  await page.goto(PATH);
  const { form } = product(page);
  await form.body.fill('By whom?');

  const elsewhere = await context.newPage();
  await signIn(elsewhere, { name: 'pericles', password: PASSWORD });
  // That tab told nobody; this one looks when it is seen again.
  await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));
  const { notice, goOn } = choice(page);
  await expect(notice).toContainText('no longer signed in as aspasia');
  await goOn('pericles').click();
  await form.post.click();
  await expect(ownReview(page).card).toContainText('By whom?');
  expect(await newest(api)).toMatchObject({ body: 'By whom?', author_name: 'pericles' });
});

test.describe('when nobody told this tab', () => {
  test.use({ expectedComplaints: /status of 409/ });

  test('the server refuses, and signing in again brings the text back', async ({
    page,
    context,
    api,
  }) => {
    await signUp(page, 'aspasia');
    await page.goto(PATH);
    const { form } = product(page);
    await form.stars('4 stars').check();
    await form.body.fill('Not as a guest.');
    await context.clearCookies();
    await form.post.click();

    const { notice } = choice(page);
    await expect(notice.filter({ hasText: 'no longer signed in as aspasia' })).toBeVisible();
    expect((await newest(api)).body).not.toBe('Not as a guest.');
    await notice.getByRole('link', { name: 'Sign in again' }).click();
    const { name, password, send } = credentials(page, 'Sign in');
    await name.fill('aspasia');
    await password.fill(PASSWORD);
    await send.click();

    await expect(form.body).toHaveValue('Not as a guest.');
    await expect(form.stars('4 stars')).toBeChecked();
    await form.post.click();
    await expect(ownReview(page).card).toContainText('Not as a guest.');
    expect(await newest(api)).toMatchObject({ author_name: 'aspasia', member: true });
  });
});
