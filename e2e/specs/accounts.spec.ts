// Accounts: from registering to revoking a token.
import { ADMIN, PASSWORD, signIn, signUp } from '../accounts.js';
import { credentials, header, product } from '../pages.js';
import { expect, test } from '../test.js';

test('register, sign out and sign in again', async ({ page }) => {
  await page.goto('/products/1');
  await header(page).signIn.click();
  await expect(page).toHaveURL('/sign-in?next=%2Fproducts%2F1');
  await page.getByRole('main').getByRole('link', { name: 'Create an account' }).click();
  const register = credentials(page, 'Create an account');
  await register.name.fill('aspasia');
  await register.password.fill('short');
  await register.send.click();
  await expect(register.password).toHaveAccessibleDescription(/at least 10 characters/);
  await expect(register.password).toBeFocused();
  await register.password.fill(PASSWORD);
  await register.send.click();
  await expect(page).toHaveURL('/products/1');
  await expect(product(page).form.author).toHaveValue('aspasia');

  await header(page).menu('aspasia').click();
  await expect(header(page).link('Admin')).toBeHidden();
  await header(page).signOut.click();
  await expect(header(page).signIn).toBeVisible();

  await page.goto('/account');
  await expect(page).toHaveURL('/sign-in?next=%2Faccount');
  const form = credentials(page, 'Sign in');
  await form.name.fill('Aspasia');
  await form.password.fill(PASSWORD);
  await form.send.click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Account aspasia');
});

test.describe('a refused form', () => {
  test.use({ expectedComplaints: /status of (401|403|409|422)/ });

  test('says why', async ({ page }) => {
    await signUp(page, 'aspasia');
    await page.context().clearCookies();
    await page.goto('/sign-in');
    const form = credentials(page, 'Sign in');
    await form.send.click();
    await expect(form.name).toBeFocused();
    await form.name.fill('aspasia');
    await form.password.fill('a wrong sentence');
    await form.send.click();
    await expect(form.alert).toContainText('You were not signed in');
    await expect(form.name).toHaveValue('aspasia');

    await page.goto('/register');
    const register = credentials(page, 'Create an account');
    await register.name.fill('ASPASIA');
    await register.password.fill('password123');
    await register.send.click();
    await expect(register.password).toHaveAccessibleDescription(/too easy to guess/);
    await register.password.fill(PASSWORD);
    await register.send.click();
    await expect(register.alert).toContainText('Your account was not created');
  });

  test('the app notices the end of the session and keeps the draft', async ({ page, server }) => {
    await signUp(page, 'aspasia');
    await page.goto('/products/1');
    const { form } = product(page);
    await form.body.fill('Half a thought');
    await signIn(page, ADMIN); // The cookie of this browser is another one now…
    await page.request.delete(`${server.url}/api/session`);
    await page.context().addCookies([
      { name: 'ostrakon_session', value: 'x'.repeat(43), url: server.url },
    ]);
    await form.post.click();
    await expect(page.getByText('Your session has ended.')).toBeVisible();
    await expect(header(page).signIn).toBeVisible();
    await expect(form.body).toHaveValue('Half a thought');
  });
});

for (const next of ['https://example.org/', '//example.org', '/%5Cexample.org']) {
  test(`signing in does not redirect to ${next}`, async ({ page, server }) => {
    await signUp(page, 'aspasia');
    await page.goto(`/sign-in?next=${next}`);
    await expect(page).toHaveURL(`${server.url}/`);
  });
}

test('a new password ends the other sessions', async ({ page, server, browser }) => {
  const who = await signUp(page, 'aspasia');
  const elsewhere = await browser.newPage({ baseURL: server.url });
  await signIn(elsewhere, who);
  await page.goto('/account');
  const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await expect(sessions).toHaveCount(2);
  await expect(sessions.filter({ hasText: 'This browser' })).toHaveCount(1);

  const form = page.getByRole('form', { name: 'Password' });
  await form.getByLabel('Current password').fill(who.password);
  await form.getByLabel('New password').fill('another long sentence');
  await form.getByRole('button', { name: 'Change password' }).click();
  await expect(form.getByRole('status')).toContainText('Your password has been changed.');
  await page.reload();
  await expect(sessions).toHaveCount(1);
  await elsewhere.goto('/account');
  await expect(elsewhere).toHaveURL(/sign-in/);
  await elsewhere.close();
});

test('a new password revokes the API tokens too, if requested', async ({ page }) => {
  const who = await signUp(page, 'aspasia');
  await page.goto('/account');
  const tokenForm = page.getByRole('form', { name: 'New API token' });
  await tokenForm.getByLabel('Name').fill('import script');
  await tokenForm.getByRole('button', { name: 'Create token' }).click();
  const tokens = page.getByRole('list', { name: 'API tokens' });
  await expect(tokens).toContainText('import script');

  const form = page.getByRole('form', { name: 'Password' });
  await form.getByLabel('Current password').fill(who.password);
  await form.getByLabel('New password').fill('another long sentence');
  await form.getByRole('checkbox', { name: 'Revoke all API tokens too' }).check();
  await form.getByRole('button', { name: 'Change password' }).click();
  await expect(form.getByRole('status')).toContainText('all API tokens have ended');
  await expect(page.getByText('There are no tokens.')).toBeVisible();
});

test('a session in another browser can be ended', async ({ page, server, browser }) => {
  const who = await signUp(page, 'aspasia');
  const elsewhere = await browser.newPage({ baseURL: server.url });
  await signIn(elsewhere, who);
  await page.goto('/account');
  await page.getByRole('button', { name: /^End the session/ }).click();
  const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem');
  await expect(sessions).toHaveCount(1);
  await elsewhere.goto('/account');
  await expect(elsewhere).toHaveURL(/sign-in/);
  await elsewhere.close();
});

test('an API token is shown once, works, and can be revoked', async ({ page, server }) => {
  await signUp(page, 'aspasia');
  await page.goto('/account');
  const form = page.getByRole('form', { name: 'New API token' });
  await form.getByRole('button', { name: 'Create token' }).click();
  await expect(form.getByLabel('Name')).toBeFocused();
  await form.getByLabel('Name').fill('import script');
  await expect(form.getByRole('checkbox', { checked: true })).toHaveCount(2);
  await expect(form.getByRole('checkbox', { name: 'Administer' })).toHaveCount(0);
  await form.getByLabel('Expires').selectOption('30');
  await form.getByRole('button', { name: 'Create token' }).click();
  const shown = page.getByRole('group', { name: 'The new token' });
  await expect(shown).toBeFocused();
  const secret = await shown.locator('.secret').innerText();
  expect(secret).toMatch(/^ostk_/);

  const ask = async () => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await fetch(`${server.url}/api/session`, { headers })).status;
  };
  expect(await ask()).toBe(200);
  await page.reload();
  const tokens = page.getByRole('list', { name: 'API tokens' });
  await expect(tokens).toContainText('import script');
  await expect(tokens).toContainText('Read your reviews, Write reviews');
  await expect(tokens).toContainText(/expires on/);
  await expect(page.getByText(secret)).toHaveCount(0);
  await page.getByRole('button', { name: 'Revoke import script' }).click();
  await expect(page.getByText('There are no tokens.')).toBeVisible();
  expect(await ask()).toBe(401);
});
