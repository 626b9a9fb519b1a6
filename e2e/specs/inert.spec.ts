// Users' texts are shown as text on every page; HTML and scripts in them are never run.
import { ADMIN, signIn } from '../accounts.js';
import { header } from '../pages.js';
import { expect, ok, test } from '../test.js';

const EVIL =
  '<b data-evil>bold</b><img data-evil src=x onerror=alert(1)><script data-evil>alert(2)</script>';

test('HTML and scripts are inert wherever they are shown', async ({ page, api }) => {
  page.on('dialog', (dialog) => {
    throw new Error(`it was run: ${dialog.message()}`);
  });
  await signIn(page, ADMIN);
  // The page's own requests, so that they carry its session.
  const made = await page.request.post('/api/admin/products', {
    data: { name: EVIL, description: EVIL, sku: EVIL.slice(0, 60) },
  });
  const product: string = (await made.json()).id;
  const posted = await page.request.post(`/api/products/${product}/reviews`, {
    data: { title: EVIL, body: EVIL, author_name: EVIL.slice(0, 60) },
  });
  const review: string = (await posted.json()).id;
  const params = { path: { id: review } };
  const note = EVIL.slice(0, 90);
  await api.POST('/api/reviews/{id}/reports', { params, body: { reason: 'other', note } });
  await page.request.post('/api/accounts/me/tokens', { data: { name: EVIL.slice(0, 60) } });
  expect(ok(await api.GET('/api/reviews/{id}', { params })).body).toBe(EVIL);

  for (const path of [
    `/?search=${encodeURIComponent('data-evil')}`,
    `/products/${product}`,
    `/reviews/${review}`,
    '/account',
    '/account/reviews',
    '/admin/queue',
    '/admin/reviews',
    `/admin/reviews?review=${review}`,
    `/admin/products?search=${encodeURIComponent('data-evil')}`,
  ]) {
    await page.goto(path);
    await expect(page.getByText('<b data-evil>').filter({ visible: true }).first(), path).toBeVisible();
    await expect(page.locator('[data-evil]'), path).toHaveCount(0);
  }
});

test('the redirect after signing in stays on this site', async ({ page }) => {
  for (const next of ['https://evil.example/', '//evil.example/', 'javascript:alert(1)', '/\\evil.example']) {
    await page.context().clearCookies();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    const form = page.getByRole('form', { name: 'Sign in' });
    await form.getByLabel('Name').fill('admin');
    await form.getByLabel('Password').fill('admin');
    await form.getByRole('button').click();
    await expect(header(page).menu('admin'), next).toBeVisible();
    expect(new URL(page.url()).hostname, next).toBe('127.0.0.1');
  }
});
