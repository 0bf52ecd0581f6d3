const questions = {
  metric: { kind: 'metric', measures: ['revenue', 'buyers'], by: ['country'], last: '90d', compare: true },
  trend: { kind: 'metric', measures: ['revenue'], by: ['month', 'country'], last: '365d' },
  funnel: { kind: 'funnel', steps: [{ event: 'Product Viewed' }, { event: 'Product Added' }, { table: 'orders' }], within: '7d' },
  retention: { kind: 'retention', grain: 'month' },
  paths: { kind: 'paths', start: 'Home', depth: 3, last: '90d' },
  rfm: { kind: 'rfm' },
  concentration: { kind: 'concentration' },
  affinity: { kind: 'affinity', item: 'name', basket: 'customer', limit: 30 },
  leaks: { kind: 'leaks', last: '90d' },
};

export default async function ({ page, look, go }) {
  for (const [name, q] of Object.entries(questions)) {
    await go(`/explore?q=${encodeURIComponent(JSON.stringify(q))}`);
    await page.locator('tbody tr').first().waitFor();
    await look(`explore-${name}`);
  }
  await page.locator('.opens').first().click();
  await page.locator('[role=dialog] a').first().waitFor();
  await look('explore-behind');
  await go('/explore/dashboards');
  await look('dashboards');
  const one = page.locator('tbody a').first();
  if (await one.count()) {
    await one.click();
    await page.locator('canvas, tbody tr').first().waitFor();
    await look('dashboard');
  }
  await go('/explore/goals');
  await look('goals');
  await go('/explore/sql');
  await page.locator('textarea').first().press('Control+Enter');
  await page.locator('tbody tr').first().waitFor();
  await look('sql');
  await go('/explore/board');
  await page.locator('canvas').nth(1).waitFor();
  await look('board');
}
