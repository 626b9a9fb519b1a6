// Accounts to sign in with: the demo's admin, and those that a test creates.
import type { APIResponse, Page } from '@playwright/test';

export type Credentials = { name: string; password: string };

/** The demo's account, which can sign in from this machine only. */
export const ADMIN: Credentials = { name: 'admin', password: 'admin' };

export const PASSWORD = 'a long sentence';

/** Signs in, as if by the form. */
export async function signIn(page: Page, who: Credentials): Promise<void> {
  await ok(page.request.post('/api/session', { data: who }));
}

/** Creates an account and signs in with it; the admin gives it a role above member. */
export async function signUp(
  page: Page,
  name: string,
  role: 'member' | 'moderator' | 'admin' = 'member',
): Promise<Credentials> {
  const who = { name, password: PASSWORD };
  const answer = await ok(page.request.post('/api/accounts', { data: who }));
  if (role !== 'member') {
    const { account } = await answer.json();
    await signIn(page, ADMIN);
    await ok(page.request.patch(`/api/admin/accounts/${account.id}`, { data: { role } }));
    await signIn(page, who);
  }
  return who;
}

async function ok(response: Promise<APIResponse>): Promise<APIResponse> {
  const answer = await response;
  if (answer.ok()) return answer;
  throw new Error(`the API refused (${answer.status()}): ${await answer.text()}`);
}
