// The elements of the app's pages, located as users find them: by role and name.
import type { Locator, Page } from '@playwright/test';

export function catalogue(page: Page) {
  const main = page.getByRole('main');
  return {
    search: main.getByRole('searchbox', { name: 'Search products' }),
    cards: main.getByRole('list', { name: 'Products' }).getByRole('link'),
    more: main.getByRole('button', { name: 'Load more products' }),
    card: (name: string) =>
      main.getByRole('list', { name: 'Products' }).getByRole('link', { name }),
  };
}

export function product(page: Page) {
  const rating = page.getByRole('region', { name: 'Rating' });
  const list = page.getByRole('region', { name: 'Reviews' });
  return {
    name: page.getByRole('heading', { level: 1 }),
    rating,
    bar: (stars: number) => rating.getByRole('link', { name: new RegExp(`^${stars} stars?:`) }),
    reviews: list.getByRole('article'),
    permalinks: list.getByRole('link', { name: /^Permalink/ }),
    sort: list.getByRole('combobox', { name: 'Sort reviews' }),
    showAll: list.getByRole('link', { name: 'Show all ratings' }),
    more: list.getByRole('button', { name: 'Load more reviews' }),
    form: form(page),
  };
}

function form(page: Page) {
  const form = page.getByRole('form', { name: 'Write a review' });
  const rating = form.getByRole('group', { name: 'Your rating' });
  return {
    rating,
    /** A radio button; users click its label. */
    stars: (name: string) => rating.getByRole('radio', { name, exact: true }),
    title: form.getByRole('textbox', { name: 'Title' }),
    body: form.getByRole('textbox', { name: 'Review' }),
    author: form.getByRole('textbox', { name: 'Your name' }),
    post: form.getByRole('button', { name: 'Post review' }),
    status: form.getByRole('status'),
  };
}

export function review(page: Page) {
  const where = page.getByRole('complementary', { name: 'Where it is stored' });
  return {
    heading: page.getByRole('heading', { level: 1 }),
    where,
    /** Unfolds "Where it is stored". */
    unfold: where.locator('summary'),
    share: page.getByRole('button', { name: 'Share' }),
    /** The text beside a term of "Where it is stored". */
    fact: (term: string): Locator =>
      where.locator('dt', { hasText: term }).locator('xpath=following-sibling::dd[1]'),
  };
}

/** The page's header: who is signed in. */
export function header(page: Page) {
  const banner = page.getByRole('banner');
  return {
    signIn: banner.getByRole('link', { name: 'Sign in' }),
    /** Opens the account's menu. */
    menu: (name: string) => banner.locator('summary', { hasText: name }),
    link: (name: string) => banner.getByRole('link', { name, exact: true }),
    signOut: banner.getByRole('button', { name: 'Sign out' }),
  };
}

export function credentials(page: Page, form: 'Sign in' | 'Create an account') {
  const fields = page.getByRole('form', { name: form });
  return {
    name: fields.getByLabel('Name'),
    password: fields.getByLabel('Password'),
    send: fields.getByRole('button'),
    alert: fields.getByRole('alert'),
  };
}

/** The user's own review on a product's page. */
export function ownReview(page: Page) {
  const panel = page.getByRole('region', { name: 'Your review' });
  const form = page.getByRole('form', { name: 'Edit your review' });
  const question = page.getByRole('dialog', { name: 'Delete your review?' });
  return {
    panel,
    card: panel.getByRole('article'),
    status: panel.getByRole('status').first(),
    edit: panel.getByRole('button', { name: 'Edit' }),
    delete: panel.getByRole('button', { name: 'Delete' }),
    form,
    body: form.getByRole('textbox', { name: 'Review' }),
    save: form.getByRole('button', { name: 'Save' }),
    reallyDelete: question.getByRole('button', { name: 'Delete review' }),
  };
}

/** The dialog that asks a moderator for the reason. */
export function decision(page: Page) {
  const dialog = page.getByRole('dialog', { name: 'Decide' });
  return {
    dialog,
    reason: dialog.getByRole('combobox', { name: 'Reason' }),
    note: dialog.getByRole('textbox', { name: 'Note' }),
    send: (name: string) => dialog.getByRole('button', { name, exact: true }),
  };
}

/** The ids of the reviews that these permalinks lead to. */
export async function reviewIds(permalinks: Locator): Promise<string[]> {
  const hrefs = await permalinks.evaluateAll((links) => links.map((a) => a.getAttribute('href')));
  return hrefs.map((href) => href!.replace('/reviews/', ''));
}
