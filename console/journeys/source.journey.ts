import { expect, open, server, test, unique } from './shop';

test('a source is added, its snippet copied, and what it sends is seen live', async ({
  page,
  context,
  shop,
  complaints,
}) => {
  const name = unique('kiosk');
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server });
  await open(page, '/data/sources');
  await page.getByRole('button', { name: 'Add a source' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Connect ${name}` });
  await expect(dialog.getByTestId('snippet')).toContainText('analytics.min.js');
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect(dialog.getByRole('button', { name: 'Copied' })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const { items } = await shop.ask<{ items: { name: string; write_key: string }[] }>('GET', '/api/v1/sources');
  const key = items.find((s) => s.name === name)?.write_key ?? '';
  expect(key).toHaveLength(32);
  expect(copied).toContain(`("${server}", "${key}")`);

  await dialog.getByRole('link', { name: 'Watch what comes in' }).click();
  await expect(page.getByRole('status').first()).toHaveText('Listening');
  await shop.send([{ type: 'track', event: 'Card Scanned', anonymousId: name, messageId: name }], key);
  await expect(page.getByText('Card Scanned')).toBeVisible();
  await shop.ask('DELETE', `/api/v1/sources/${name}`);
  expect(complaints).toEqual([]);
});
