import { expect, open, test, unique } from './shop';

test('an event that breaks the plan is mended by a rule and tried again', async ({ page, shop, complaints }) => {
  const mark = unique('j');
  const event = `Hike Booked ${mark}`;
  const source = `guides-${mark}`;
  const { write_key: key } = await shop.ask<{ write_key: string }>('PUT', `/api/v1/sources/${source}`, {
    name: source,
    kind: 'server',
  });
  await shop.ask('PUT', `/api/v1/plans/${mark}`, {
    name: mark,
    sources: [source],
    on_violation: 'quarantine',
    events: { [event]: { schema: { type: 'object', properties: { price: { type: 'number' } } } } },
  });
  await shop.send(
    [{ type: 'track', event, userId: `${mark}-ann`, messageId: mark, properties: { price: '59.90', guide: 'Kim' } }],
    key,
  );
  await open(page, `/data/quarantine?source=${source}`);
  const entry = page.getByTestId('entry').filter({ hasText: event });
  await expect(entry).toBeVisible({ timeout: 20_000 });
  await expect(entry).toContainText('price');
  await entry.getByRole('button', { name: 'Mend' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('With this rule the event breaks no rule any more.');
  await expect(dialog.locator('pre').last()).toContainText('"price": 59.9');
  await dialog.getByRole('button', { name: 'Bring into force and try again' }).click();
  await expect(dialog).toContainText('Accepted now: 1');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await expect(entry).toBeHidden();
  const events = await shop.ask<{ items: { name: string; properties: { price: number } }[] }>(
    'GET',
    `/api/v1/profiles/user_id/${mark}-ann/events`,
  );
  expect(events.items[0].name).toBe(event);
  expect(events.items[0].properties.price).toBe(59.9);
  await shop.ask('DELETE', `/api/v1/plans/${mark}`);
  expect(complaints).toEqual([]);
});
