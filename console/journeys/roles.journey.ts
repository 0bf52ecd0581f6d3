import { expect, open, signIn, test, unique } from './shop';

const main = 'Main navigation';

test('a service agent finds a customer, sees orders and what to say, and tells what came of an action', async ({
  browser,
  shop,
  complaints,
}) => {
  // Somebody who has bought, and whose question is open.
  const [[email]] =
    await shop.rows(`select min(i.value) from identifiers i join conversations c on c.profile_id = i.profile_id
    where i.namespace = 'email' and c.resolved = false and i.profile_id in (select profile_id from orders)
    group by i.profile_id having count(distinct i.value) = 1 and count(distinct c.conversation_id) < 4 order by 1 limit 1`);
  const page = await signIn(browser, shop, 'service_agent', complaints);
  const menu = page.getByRole('navigation', { name: main });
  await expect(menu.getByRole('link', { name: 'Privacy' })).toHaveCount(0);
  await menu.getByRole('link', { name: 'Customers' }).click();
  await page.getByRole('searchbox').fill(String(email));
  await expect(page.locator('tbody tr')).toHaveCount(1);
  await page.locator('tbody a').first().click();
  await page.getByRole('link', { name: 'Agent view' }).click();
  const tile = page.locator('main .mantine-Paper-root').filter({ hasText: /^Orders/ });
  const lines = page.getByRole('region', { name: 'Last orders' }).locator('tbody tr');
  const talks = page.getByRole('region', { name: 'Conversations' }).locator('.mantine-Badge-root');
  // The shop is open: an order may come between the page and the count.
  await expect(async () => {
    await page.reload();
    const [[orders, contacts]] = await shop.rows(
      `select (select count(*) from orders o where o.profile_id = i.profile_id and coalesce(o.status, '') <> 'cancelled'),
      (select count(*) from conversations c where c.profile_id = i.profile_id) from identifiers i where i.namespace = 'email' and i.value = '${email}'`,
    );
    await expect(tile).toContainText(`Orders${orders}`, { timeout: 5000 });
    await expect(lines).toHaveCount(Math.min(5, Number(orders)), { timeout: 5000 });
    await expect(talks).toHaveCount(Math.min(5, Number(contacts)), { timeout: 5000 });
  }).toPass();
  // Without actions the rules say what is worth saying.
  await expect(page.getByTestId('advice').locator('p').first()).toHaveText(/^Ask whether “.+” is settled/);
  await expect(page.getByTestId('next')).toHaveCount(0);

  const action = unique('care call');
  const say = 'Shall we put your size aside until Friday?';
  await shop.ask('PUT', `/api/v1/actions/${encodeURIComponent(action)}`, {
    name: action,
    value: 900,
    rate: 0.9,
    places: ['call_centre'],
    say,
  });
  // One choice in twenty is drawn by lot, and may be to do nothing.
  await expect(async () => {
    await page.reload();
    await expect(page.getByTestId('next')).toContainText(say, { timeout: 5000 });
  }).toPass();
  const next = page.getByTestId('next');
  await next.getByText('Why', { exact: true }).click();
  await expect(next).toContainText('nobody was offered it yet');
  await next.getByRole('textbox', { name: 'What did they say?' }).fill('has the size already');
  await next.getByRole('button', { name: 'Refused' }).click();
  await expect(next.getByRole('status')).toContainText('Noted: Refused');
  await expect
    .poll(() =>
      shop.rows(
        `select outcome, reason, place, agent like 'service_agent-%' from decisions where action = '${action}' and outcome is not null`,
      ),
    )
    .toEqual([['refused', 'has the size already', 'call_centre', true]]);
  await shop.ask('DELETE', `/api/v1/actions/${encodeURIComponent(action)}`);

  await open(page, '/till');
  await page.getByRole('searchbox').fill(String(email));
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('served')).toContainText('Usual sizes');
  await open(page, '/privacy/audit');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not for your role');
  expect(complaints).toEqual([]);
});

test('an executive sees how the business stands, on one page to print, and nobody’s name', async ({
  browser,
  shop,
  complaints,
}) => {
  const draft = unique('board');
  const ended = `${draft}-ended`;
  for (const name of [draft, ended])
    await shop.ask('PUT', `/api/v1/audiences/${name}`, { name, where: { trait: 'country', op: 'exists' } });
  for (const name of [draft, ended])
    await expect
      .poll(() => shop.rows(`select count(*) > 0 from audience_members where audience = '${name}'`))
      .toEqual([[true]]);
  await shop.ask('DELETE', `/api/v1/audiences/${ended}`);
  const page = await signIn(browser, shop, 'executive', complaints);
  const menu = page.getByRole('navigation', { name: main });
  await expect(menu.getByRole('link', { name: 'Customers' })).toHaveCount(0);
  await expect(page.getByTestId('profiles')).toHaveText(/[1-9]/);
  await expect(page.getByRole('region', { name: 'Revenue by day' }).getByRole('img')).toBeVisible();
  const moved = page.getByRole('region', { name: 'Audiences that moved most' });
  await expect(moved.getByRole('link', { name: draft, exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(moved.getByRole('link', { name: ended })).toHaveCount(0); // it moved as much
  await moved.getByRole('link', { name: draft, exact: true }).click();
  await expect(page.getByTestId('members')).toHaveText(/[1-9]/);
  await expect(page.getByRole('button', { name: 'Delete' })).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Say something' }).fill('for the board');
  await page.getByRole('button', { name: 'Comment' }).click();
  await expect(page.getByText('for the board').first()).toBeVisible();

  await menu.getByRole('link', { name: 'Explore' }).click();
  await expect(page.getByRole('link', { name: 'SQL' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Overview for the board' }).click();
  const segments = page.getByRole('region', { name: 'Growth or leak by segment' });
  await expect(segments.locator('tbody tr').first()).toContainText(/[▲▼]/, { timeout: 30_000 });
  expect(await segments.locator('tbody tr').count()).toBeGreaterThan(3);
  await expect(page.getByRole('region', { name: 'Cost of service' })).toContainText(/[1-9]/);

  for (const path of [
    '/predictions',
    '/data/sources',
    '/data/quality',
    '/data/identity',
    '/explore/goals',
    '/audiences',
  ])
    await open(page, path);
  await open(page, '/privacy/consent');
  await expect(page.getByRole('table', { name: 'Consent' }).locator('tbody tr').first()).toContainText(/[1-9]/);
  const email = await shop.joined(5);
  await open(page, `/customers/email/${encodeURIComponent(email)}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not for your role');
  expect(complaints).toEqual([]);
  await shop.ask('DELETE', `/api/v1/audiences/${draft}`);
});
