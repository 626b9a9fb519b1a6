import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { product, review, reviewIds } from '../pages.js';
import { expect, ok, test } from '../test.js';

const TEDDY = '1';

test('where a review lives: page, API, command line and file agree', async ({
  page,
  api,
  server,
}) => {
  await page.goto(`/products/${TEDDY}`);
  const { form, permalinks } = product(page);
  await form.title.fill('Found again');
  await form.body.fill('Where may this be?');
  await form.post.click();
  await expect(form.status).toHaveText('Your review has been posted.');
  const [id] = await reviewIds(permalinks);
  await permalinks.first().click();

  await expect(page).toHaveURL(`/reviews/${id}`);
  await expect(page).toHaveTitle('Found again · Ostrakon');
  const found = review(page);
  await expect(found.heading).toHaveText('Found again');
  // Folded, for the curious.
  await expect(found.fact('Bucket')).toBeHidden();
  await found.unfold.click();
  await expect(found.fact('Bucket')).toBeVisible();
  const params = { path: { id: id! } };
  const location = ok(await api.GET('/api/reviews/{id}/location', { params }));
  await expect(found.fact('Id')).toHaveText(id!);
  await expect(found.fact('Bucket')).toHaveText(
    new RegExp(`^${location.bucket.toLocaleString('en-GB')}\\b`),
  );
  await expect(found.fact('Database')).toHaveText(location.database);

  const located = await server.run('locate', id!);
  expect(located).toMatch(new RegExp(`\\b${location.bucket}\\b`));
  expect(located).toContain(location.database);
  const [sqlite3] = located.match(/sqlite3 .*/) ?? [];
  expect(sqlite3, 'a line to paste').toBeDefined();
  const row = await promisify(execFile)('sh', ['-c', sqlite3!], { cwd: server.dataDir });
  expect(row.stdout).toContain('Where may this be?');
});

test('a permalink works by itself', async ({ page, api }) => {
  const params = { path: { id: TEDDY }, query: { limit: 1 } };
  const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
  const { id, body } = items[0]!;
  for (const address of [`/reviews/${id}`, `/reviews/${id.toLowerCase()}`]) {
    await page.goto(address);
    await expect(page.getByRole('article')).toContainText(body);
    await expect(review(page).fact('Id')).toHaveText(id);
  }
  await page.reload();
  await expect(page.getByRole('article')).toContainText(body);

  await page.getByRole('link', { name: 'Brown teddy bear' }).click();
  await expect(page).toHaveURL(`/products/${TEDDY}`);
  await expect(product(page).name).toHaveText('Brown teddy bear');
});

test('a permalink can be shared and reported', async ({ page, api, context, server }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const params = { path: { id: TEDDY }, query: { limit: 1 } };
  const { items } = ok(await api.GET('/api/products/{id}/reviews', { params }));
  const path = `/reviews/${items[0]!.id}`;
  await page.goto(path);
  const { share } = review(page);
  await share.click();
  await expect(page.getByText('The link has been copied.')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(server.url + path);

  // Phones have a dialog of their own.
  await page.evaluate(() => {
    navigator.share = async (page) => void Object.assign(window, { shared: page });
  });
  await share.click();
  await expect
    .poll(() => page.evaluate(() => (window as { shared?: ShareData }).shared?.url))
    .toBe(server.url + path);
  await expect(page.getByText('The link has been copied.')).toBeHidden();

  await page.getByRole('button', { name: /^Report/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Report this review' });
  await dialog.getByRole('radio', { name: 'Not about this product' }).check();
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog).toContainText('Thank you.');
});
