// The administration: the table of all reviews, products, accounts, databases.
import type { Page } from '@playwright/test';

import { ADMIN, signIn, signUp } from '../accounts.js';
import { catalogue, decision, header, product } from '../pages.js';
import { expect, test } from '../test.js';

test.beforeEach(async ({ page }) => signIn(page, ADMIN));

function table(page: Page) {
  const rows = page.getByRole('main').getByRole('row').filter({ has: page.getByRole('cell') });
  return {
    rows,
    cell: (name: string) => rows.locator(`[data-name="${name}"]`),
    databases: page.getByRole('navigation', { name: 'Databases' }).getByRole('link'),
    filter: page.getByRole('form', { name: 'Filter' }),
    drawer: page.getByRole('dialog', { name: 'Review' }),
  };
}

test('the menu links to the admin pages', async ({ page }) => {
  await page.goto('/');
  await header(page).menu('admin').click();
  await header(page).link('Admin').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Overview');
  await expect(page.getByRole('img', { name: /reviews in 30 days/ })).toBeVisible();
  await expect(page.getByText('The line marks an even share')).toBeVisible();
  await expect(page.getByRole('link', { name: '9 waiting for a moderator' })).toBeVisible();
  await expect(page.getByRole('link', { name: '7 reported by readers' })).toBeVisible();
  await page.getByRole('link', { name: /waiting for a moderator/ }).click();
  await expect(page).toHaveURL('/admin/queue');
  await page.getByRole('banner').getByRole('link', { name: 'Products' }).click();
  await expect(catalogue(page).cards).toHaveCount(24);
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Queue');
});

test('the table lists the reviews of every database', async ({ page }) => {
  await page.goto('/admin/reviews');
  const { rows, cell, databases, filter } = table(page);
  await expect(rows).toHaveCount(50);
  await expect(databases).toHaveText([/^All 5,000/, /^reviews-1/, /^reviews-2/, /^reviews-3/]);
  await databases.nth(2).click();
  await expect(page).toHaveURL('/admin/reviews?database=reviews-2');
  await expect(databases.nth(2)).toHaveAttribute('aria-current', 'true');
  await expect.poll(async () => new Set(await cell('Database').allInnerTexts())).toEqual(new Set(['reviews-2']));

  await filter.getByLabel('Rating').selectOption('1');
  await expect(page).toHaveURL('/admin/reviews?database=reviews-2&rating=1');
  await expect.poll(async () => new Set(await cell('Rating').allInnerTexts())).toEqual(new Set(['1 ★']));
  await filter.getByLabel('Product id').fill('1');
  await filter.getByRole('button', { name: 'Filter' }).click();
  await expect(page).toHaveURL('/admin/reviews?database=reviews-2&product_id=1&rating=1');
  await expect.poll(async () => new Set(await cell('Product').allInnerTexts())).toEqual(new Set(['Brown teddy bear']));
  await page.reload();
  await expect(filter.getByLabel('Product id')).toHaveValue('1');
  await filter.getByRole('link', { name: 'Clear' }).click();
  await expect(page).toHaveURL('/admin/reviews');

  await page.getByRole('button', { name: 'Load more reviews' }).click();
  await expect(rows).toHaveCount(100);
});

test('the drawer with a review has an address', async ({ page }) => {
  await page.goto('/admin/reviews?rating=5');
  const { rows, cell, drawer } = table(page);
  await expect(rows).toHaveCount(50);
  await cell('Review').first().getByRole('link').click();
  await expect(page).toHaveURL(/rating=5&review=\w{13}$/);
  await expect(drawer).toContainText('Bucket');
  await expect(drawer.getByRole('img', { name: '5 out of 5 stars' })).toBeVisible();
  await drawer.getByRole('button', { name: /^Reject/ }).click();
  await decision(page).reason.selectOption('duplicate');
  await decision(page).send('Reject').click();
  await expect(drawer).toContainText('Rejected by admin');
  await expect(drawer).toContainText('duplicate');
  await page.reload();
  await expect(drawer).toContainText('Rejected by admin');
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(page).toHaveURL('/admin/reviews?rating=5');
  await expect(cell('Status').first()).toContainText('Rejected');
});

test('several reviews are decided together', async ({ page, server }) => {
  await page.goto('/admin/reviews?product_id=1');
  const { rows, cell } = table(page);
  await expect(rows).toHaveCount(50);
  for (const row of [0, 1, 2]) await rows.nth(row).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Spam all selected reviews' }).click();
  await expect(decision(page).dialog).toContainText('Spam 3 reviews');
  await decision(page).send('Spam').click();
  await expect(page.getByText('3 reviews marked as spam.')).toBeVisible();
  for (const row of [0, 1, 2]) await expect(cell('Status').nth(row)).toContainText('Spam');
  await page.getByRole('button', { name: 'Undo' }).click();
  for (const row of [0, 1, 2]) await expect(cell('Status').nth(row)).toContainText('Published');
  await server.run('verify');
});

test('the table stays responsive with a thousand rows', async ({ page }) => {
  test.slow();
  await page.goto('/admin/reviews');
  const { rows } = table(page);
  const more = page.getByRole('button', { name: 'Load more reviews' });
  for (let count = 50; count < 1000; count += 50) {
    await expect(rows).toHaveCount(count);
    await more.click();
  }
  await expect(rows).toHaveCount(1000);
  const took = await page.evaluate(async () => {
    const began = performance.now();
    document.querySelector<HTMLInputElement>('.check-all input')!.click();
    for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
    return performance.now() - began;
  });
  await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(1001);
  // Users notice a second; the limit allows for a slow machine.
  expect(took).toBeLessThan(1000);
});

test.describe('products', () => {
  test.use({ expectedComplaints: /status of (409|412)/ });

  test('are created, edited, archived and restored', async ({ page }) => {
    await page.goto('/admin/products');
    await page.getByRole('button', { name: 'New product' }).click();
    const form = page.getByRole('form', { name: 'Product' });
    const [name, sku, picture] = ['Name', 'SKU', 'Picture'].map((label) => form.getByLabel(label));
    await picture!.fill('http://shop.example/a.jpg');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(name!).toBeFocused();
    await expect(name!).toHaveAccessibleDescription(/must not be blank/);
    await expect(picture!).toHaveAccessibleDescription(/begins with https/);
    await picture!.fill('');
    await name!.fill('Obol');
    await sku!.fill('COIN-1');
    await form.getByRole('button', { name: 'Save' }).click();
    const list = page.getByRole('list', { name: 'Products' });
    await expect(list.getByRole('listitem').first()).toContainText('Obol');

    await page.getByRole('button', { name: 'New product' }).click();
    await name!.fill('Another obol');
    await sku!.fill('COIN-1');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(sku!).toHaveAccessibleDescription(/Another product has this SKU/);
    await page.keyboard.press('Escape');

    await list.getByRole('button', { name: 'Edit Obol' }).click();
    await name!.fill('Silver obol');
    await form.getByRole('button', { name: 'Save' }).click();
    const question = page.getByRole('dialog', { name: 'Archive the product?' });
    await list.getByRole('button', { name: 'Archive Silver obol' }).click();
    await expect(question).toContainText('Silver obol leaves the catalogue');
    await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(question).toBeHidden();
    await expect(list).not.toContainText('Archived');
    await list.getByRole('button', { name: 'Archive Silver obol' }).click();
    await question.getByRole('button', { name: 'Archive the product' }).click();
    await expect(list.getByRole('listitem').first()).toContainText('Archived');
    await expect(list.getByRole('button', { name: 'Restore Silver obol' })).toBeFocused();

    await list.getByRole('link', { name: 'Silver obol' }).click();
    await expect(product(page).name).toHaveText('Silver obol');
    await expect(page.getByText('This product is no longer in the catalogue.')).toBeVisible();
    await expect(product(page).form.body).toHaveCount(0);
    await page.goto('/?search=obol');
    await expect(page.getByRole('heading', { name: 'No products match' })).toBeVisible();
    await page.goto('/admin/products?search=obol');
    await list.getByRole('button', { name: 'Restore Silver obol' }).click();
    await expect(list).not.toContainText('Archived');
  });

  test('are not overwritten by a second editor', async ({ page, context, server }) => {
    await page.goto('/admin/products');
    const elsewhere = await context.newPage();
    await elsewhere.goto(`${server.url}/admin/products`);
    for (const [tab, name] of [[elsewhere, 'Green teddy bear'], [page, 'Blue teddy bear']] as const) {
      await tab.getByRole('button', { name: 'Edit Brown teddy bear' }).click();
      const form = tab.getByRole('form', { name: 'Product' });
      await form.getByLabel('Name').fill(name);
      await form.getByRole('button', { name: 'Save' }).click();
      if (tab === elsewhere) await expect(form).toBeHidden();
    }
    const form = page.getByRole('form', { name: 'Product' });
    await form.getByRole('button', { name: 'Load the current text' }).click();
    await expect(form.getByLabel('Name')).toHaveValue('Green teddy bear');
    await form.getByLabel('Name').fill('Blue teddy bear');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('list', { name: 'Products' })).toContainText('Blue teddy bear');
  });
});

test.describe('accounts', () => {
  test.use({ expectedComplaints: /status of 409/ });

  test('get roles and are disabled, except for the last admin', async ({ page, server, browser }) => {
    const visitor = await browser.newPage({ baseURL: server.url });
    await signUp(visitor, 'aspasia');
    await page.goto('/admin/accounts');
    const row = (name: string) =>
      page
        .getByRole('listitem')
        .filter({ has: page.getByRole('combobox', { name: `Role of ${name}` }) });
    const role = (name: string) => page.getByRole('combobox', { name: `Role of ${name}` });
    const question = page.getByRole('dialog', { name: 'Change the role?' });
    const yes = question.getByRole('button', { name: 'Change the role' });
    await role('admin').selectOption('member');
    await expect(question).toContainText('admin becomes a member.');
    await yes.click();
    await expect(question.getByRole('alert')).toContainText('only admin');
    await page.keyboard.press('Escape');
    await expect(question).toBeHidden();
    await expect(role('admin')).toHaveValue('admin');

    // Nothing changes before the confirmation.
    let changes = 0;
    page.on('request', (request) => (changes += request.method() === 'PATCH' ? 1 : 0));
    await role('aspasia').selectOption('admin');
    await expect(question).toContainText('aspasia becomes an admin.');
    await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(role('aspasia')).toHaveValue('member');
    await expect(role('aspasia')).toBeFocused();
    expect(changes).toBe(0);

    await role('aspasia').selectOption('moderator');
    await expect(question).toContainText('aspasia becomes a moderator.');
    await yes.click();
    await expect(question).toBeHidden();
    await expect(role('aspasia')).toHaveValue('moderator');
    await expect(role('aspasia')).toBeFocused();
    expect(changes).toBe(1);
    await visitor.goto('/admin/queue');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Queue');
    await page.getByRole('button', { name: 'Disable aspasia' }).click();
    const disable = page.getByRole('dialog', { name: 'Disable the account?' });
    await expect(disable.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await expect(row('aspasia')).not.toContainText('Disabled');
    await disable.getByRole('button', { name: 'Disable the account' }).click();
    await expect(row('aspasia')).toContainText('Disabled');
    await visitor.goto('/account');
    await expect(visitor).toHaveURL(/sign-in/);
    await page.getByRole('searchbox', { name: 'Search accounts' }).fill('asp');
    await expect(row('admin')).toHaveCount(0);
    await page.getByRole('button', { name: 'Enable aspasia' }).click();
    await expect(row('aspasia')).not.toContainText('Disabled');
    await visitor.close();
  });
});

test.describe('access', () => {
  test.use({ expectedComplaints: /status of 403/ });

  test('of an account is listed and revoked after a password prompt', async ({ page, server, browser }) => {
    const visitor = await browser.newPage({ baseURL: server.url });
    await signUp(visitor, 'aspasia');
    await page.goto('/admin/accounts');
    await page.getByRole('link', { name: 'Access of aspasia' }).click();
    await expect(page.getByRole('heading', { level: 2, name: 'aspasia' })).toBeVisible();
    const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
    await expect(sessions).toHaveCount(1);
    await expect(sessions).toContainText('Chrome on');
    // As if the password had been entered long ago. The first attempt has a wrong password.
    let refusals = 1;
    await page.route('**/credentials', async (route) => {
      if (refusals-- <= 0) return route.fallback();
      await route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          type: '/problems/proof_required', title: 'Password required', status: 403,
          detail: 'Type your password again.', code: 'proof_required', request_id: 'x',
        }),
      });
    });
    await page.getByRole('button', { name: 'End all sessions and tokens' }).click();
    await page.getByRole('button', { name: 'End all', exact: true }).click();
    const prompt = page.getByRole('dialog', { name: 'Confirm your password' });
    const password = prompt.getByRole('textbox', { name: 'Password' });
    await expect(password).toBeFocused();
    await password.fill('wrong');
    await prompt.getByRole('button', { name: 'Continue' }).click();
    await expect(password).toHaveAccessibleDescription(/password is incorrect/);
    await password.fill(ADMIN.password);
    await prompt.getByRole('button', { name: 'Continue' }).click();
    await expect(prompt).toBeHidden();
    await expect(page.getByText('There are no sessions.')).toBeVisible();
    await visitor.goto('/account');
    await expect(visitor).toHaveURL(/sign-in/);
    await visitor.close();
  });
});

test('the audit trail lists changes', async ({ page, server, browser }) => {
  const visitor = await browser.newPage({ baseURL: server.url });
  await signUp(visitor, 'aspasia', 'moderator');
  await page.goto('/admin/audit');
  const trail = page.getByRole('list', { name: 'Audit trail' }).getByRole('listitem');
  await expect(trail.filter({ hasText: 'Role changed: aspasia' })).toContainText('role: member → moderator');
  await page.getByRole('combobox', { name: 'Action' }).selectOption('account_created');
  await expect(page).toHaveURL('/admin/audit?action=account_created');
  await expect(trail.first()).toContainText('Account created: aspasia');
  await expect(trail.filter({ hasText: 'Role changed' })).toHaveCount(0);
  await trail.first().getByRole('link', { name: 'aspasia' }).click();
  await expect(page).toHaveURL(/account_id=/);
  await expect(trail.filter({ hasText: 'Signed in' }).first()).toContainText('127.0.0.1');
  await visitor.close();
});

test('a database is verified', async ({ page }) => {
  await page.goto('/admin/databases');
  const panel = page.getByRole('region', { name: /^reviews-1/ });
  await expect(panel).toContainText('SQLite');
  await expect(panel).toContainText('of 1,024');
  await expect(panel).toContainText(/the newest of \d{4}-\d\d-\d\d/);
  await panel.getByRole('button', { name: 'Verify reviews-1' }).click();
  await expect(panel.getByRole('status')).toContainText('no problems found');
});

test('guests sign in first', async ({ page }) => {
  await page.context().clearCookies();
  await page.goto('/admin/reviews?database=reviews-2');
  await expect(page).toHaveURL('/sign-in?next=%2Fadmin%2Freviews%3Fdatabase%3Dreviews-2');
});
