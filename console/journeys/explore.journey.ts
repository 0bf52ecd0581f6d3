import { expect, open, test } from './shop';

test('revenue by country opens to the people behind a number, and from there to one of them', async ({
  page,
  shop,
  complaints,
}) => {
  await open(page, '/explore');
  // What is asked stands in the address; by clicks it is revenue by country.
  const q = { kind: 'metric', measures: ['buyers', 'revenue'], by: ['country'], last: '365d' };
  await open(page, `/explore?q=${encodeURIComponent(JSON.stringify(q))}`);
  const row = page.locator('tbody tr').first();
  await expect(row).toBeVisible();
  const country = (await row.locator('td').first().textContent())?.trim() ?? '';
  const buyers = Number((await row.locator('.opens').first().textContent())?.replace(/[^0-9]/g, ''));
  const [[sure]] = await shop.rows(
    `select count(distinct o.profile_id) from orders o join profiles p on p.profile_id = o.profile_id
    where p.country = '${country}' and o.ts >= now() - interval 366 day`,
  );
  expect(buyers).toBeGreaterThan(0);
  expect(buyers).toBeLessThanOrEqual(Number(sure));
  await row.locator('.opens').first().click();
  const behind = page.getByRole('dialog');
  await expect(behind).toContainText(country);
  await behind.locator('a[href*="/customers/"]').first().click();
  await expect(page).toHaveURL(/\/customers\/id\/p_/);
  await expect(
    page.getByRole('button', { name: 'Agent view' }).or(page.getByRole('link', { name: 'Agent view' })),
  ).toBeVisible();
  expect(complaints).toEqual([]);
});
