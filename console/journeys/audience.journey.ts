import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, open, test, unique } from './shop';

const number = async (page: Page, id: string) =>
  Number((await page.getByTestId(id).textContent())?.replaceAll(',', ''));

/** A row of behaviour: somebody has looked at something of a category. */
async function looked(page: Page, category: string) {
  await page.getByRole('button', { name: 'Condition', exact: true }).first().click();
  await page.getByRole('menuitem', { name: /^Behaviour/ }).click();
  const line = page.locator('.line').last();
  await line.getByRole('combobox', { name: 'Behaviour' }).fill('Product Viewed');
  await page.keyboard.press('Escape');
  await line.getByRole('button', { name: 'with a property' }).click();
  await line.getByRole('combobox', { name: 'Property' }).fill('category');
  await page.keyboard.press('Escape');
  await line.getByRole('combobox', { name: 'Value' }).last().fill(category);
  await page.keyboard.press('Escape');
}

test('tents and boots: the count follows the clicks, and the audience fills as events arrive', async ({
  page,
  shop,
  complaints,
}) => {
  const name = unique('tents-and-boots');
  // What the API counts for the same conditions: the page must come to it, and not stop at a number on its way.
  const leaf = (value: string) => ({
    event: 'Product Viewed',
    where: [{ property: 'category', op: 'eq', value }],
    count: { op: 'gte', value: 1 },
    within: '30d', // what the builder begins with
  });
  const counted = async (where: object) =>
    (await shop.ask<{ count: number }>('POST', '/api/v1/audiences/preview', { where })).count;
  const tents = await counted(leaf('tents'));
  const both = await counted({ and: [leaf('tents'), leaf('hiking boots')] });
  expect(both).toBeGreaterThan(0);
  expect(both).toBeLessThan(tents);
  // The shop is open: visitors may have come meanwhile, and for some it is 30 days ago now.
  const near = (n: number) => (shown: number) => Math.abs(shown - n) <= 20;
  await open(page, '/audiences/new');
  await looked(page, 'tents');
  await expect.poll(async () => near(tents)(await number(page, 'count'))).toBe(true);
  await looked(page, 'hiking boots');
  await expect.poll(async () => near(both)(await number(page, 'count'))).toBe(true);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByRole('button', { name: 'Create audience' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  const definition = { and: [leaf('tents'), leaf('hiking boots')] };
  await expect
    .poll(async () => Math.abs((await number(page, 'members')) - (await counted(definition))), { timeout: 30_000 })
    .toBeLessThanOrEqual(3);

  const before = await number(page, 'members');
  const look = (category: string, n: number) => ({
    type: 'track',
    event: 'Product Viewed',
    anonymousId: `${name}-visitor`,
    messageId: `${name}-${n}`,
    properties: { category, sku: 'X' },
  });
  await shop.send([look('tents', 1), look('hiking boots', 2)]);
  await expect.poll(() => number(page, 'members'), { timeout: 20_000 }).toBeGreaterThan(before);
  const him = () =>
    shop.ask<{ id: string; audiences: string[] }>('GET', `/api/v1/profiles/anonymous_id/${name}-visitor`);
  await expect.poll(async () => (await him()).audiences, { timeout: 20_000 }).toContain(name);
  const latest = page.getByRole('region', { name: 'Latest moves' });
  await expect(latest.locator(`a[href$="/${(await him()).id}"]`)).toBeVisible({ timeout: 20_000 });

  // Who may take it out gets what is known of all members as a file.
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export members' }).click(),
  ]);
  const [head, ...rows] = (await readFile(await file.path(), 'utf8')).trim().split('\n');
  expect(file.suggestedFilename()).toBe(`audience-${name}.csv`);
  expect(head).toContain('audience_entered_at');
  expect(rows.length).toBeGreaterThan(before);
  await shop.ask('DELETE', `/api/v1/audiences/${name}`);
  expect(complaints).toEqual([]);
});
