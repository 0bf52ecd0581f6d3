// What every journey needs: somebody who is signed in, and the API beside the browser.
import { type APIRequestContext, type Browser, test as base, expect, type Page } from '@playwright/test';

declare const process: { env: Record<string, string | undefined> };
const { URL: server = '', TOKEN = '', WRITE_KEY = 'WEB_KEY' } = process.env;
// While pages are written they may come from another server than the API.
const { API: behind = server } = process.env;

type Row = (string | number | null)[];

/** The public API with the token, as a script has it. */
export class Shop {
  constructor(
    readonly request: APIRequestContext,
    /** Of those that run at once. */
    readonly worker: number,
  ) {}

  async ask<T>(method: string, path: string, data?: unknown): Promise<T> {
    const answer = await this.request.fetch(behind + path, {
      method,
      headers: { Authorization: `Bearer ${TOKEN}` },
      data,
    });
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
    return answer.status() === 204 ? (undefined as T) : answer.json();
  }

  async rows(sql: string): Promise<Row[]> {
    return (await this.ask<{ rows: Row[] }>('POST', '/api/v1/query', { sql })).rows;
  }

  /** Sends events as a library does. */
  async send(events: object[], key = WRITE_KEY) {
    const answer = await this.request.post(`${behind}/v1/batch`, {
      headers: { Authorization: `Basic ${btoa(`${key}:`)}` },
      data: { batch: events },
    });
    expect(answer.ok(), await answer.text()).toBe(true);
  }

  /**
   * Somebody with an e-mail address, which is no part of another's, and an anonymous id or more, whom records of several
   * sources have joined. Of another number it is somebody else, whoever comes into the shop meanwhile.
   */
  async joined(nth: number): Promise<string> {
    const rows = await this.rows(`with somebody as (
      select profile_id, min(value) filter (where namespace = 'email') as email from identifiers where profile_id % 8 = ${nth}
      group by profile_id having count(*) filter (where namespace = 'email') = 1 and count(*) filter (where namespace = 'anonymous_id') >= 1
        and count(distinct source) >= 2 order by email limit 20)
      select email from somebody where 1 = (select count(distinct i.profile_id) from identifiers i where contains(i.value, email))
      order by email limit 1`);
    return String(rows[0][0]);
  }
}

/** A name that nothing else has, of other runs neither. */
export const unique = (what: string) => `${what}-${crypto.randomUUID().slice(0, 8)}`;

/** Adds what the browser complains about. Without a session it is asked for and is not there, which is no complaint. */
function watch(page: Page, complaints: string[]) {
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('console', (m) => {
    if (m.type() === 'error' && !m.location().url.endsWith('/console/session'))
      complaints.push(`${m.text()} ${m.location().url} on ${page.url()}`);
  });
  page.on('request', (r) => {
    if (!/^(data|blob):/.test(r.url()) && !r.url().startsWith(`${server}/`)) complaints.push(`asks ${r.url()}`);
  });
}

/** Makes somebody of the role, and signs in as them by name and password. */
export async function signIn(browser: Browser, shop: Shop, role: string, complaints: string[]): Promise<Page> {
  const [name, password] = [unique(role), 'correct horse battery'];
  await shop.ask('POST', '/api/v1/users', { name, role, password });
  const page = await (await browser.newContext()).newPage();
  watch(page, complaints);
  await page.goto(`${server}/console/`);
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  return page;
}

interface Fixtures {
  shop: Shop;
  /** What the browser complained about; a journey fails when there is anything. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  shop: async ({ playwright }, use, { parallelIndex }) => {
    const request = await playwright.request.newContext();
    await use(new Shop(request, parallelIndex));
    await request.dispose();
  },
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    watch(page, complaints);
    await use(complaints);
    expect(complaints).toEqual([]);
  },
  page: async ({ page, context }, use) => {
    const signed = await context.request.post(`${server}/console/session`, { data: { token: TOKEN } });
    expect(signed.ok(), await signed.text()).toBe(true);
    await use(page);
  },
});

/** Opens a page of the console by its path and waits until it shows what it has asked for. */
export async function open(page: Page, path: string) {
  await page.goto(`${server}/console${path}`);
  await page.locator('h1').first().waitFor();
  await expect(page.locator('.mantine-Loader-root:visible')).toHaveCount(0, { timeout: 40_000 });
}

export { expect, server, TOKEN };
