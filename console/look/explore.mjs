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

/** A dashboard and goals, where nobody has made any. */
async function saved(api) {
  const have = async (kind) => (await api('GET', `/saved?kind=${kind}`)).items.length > 0;
  const put = (kind, name, more) =>
    api('PUT', `/saved/${kind}/${encodeURIComponent(name)}`, { kind, name, shared: ['*'], ...more });
  if (!(await have('dashboard'))) {
    for (const [name, question] of Object.entries(questions)) await put('question', name, { question });
    await put('dashboard', 'the shop', { questions: ['metric', 'trend', 'funnel', 'retention', 'rfm', 'leaks'] });
  }
  if (await have('goal')) return;
  await put('goal', 'a million a year', { goal: { measure: 'revenue', target: 1_000_000, last: '365d' } });
  await put('goal', 'cheap service', {
    goal: { measure: 'service_cost per orders', target: 0.5, last: '90d', at_most: true },
  });
}

export default async function ({ page, look, go, api }) {
  await saved(api);
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
    await page.locator('.unit, tbody tr').first().waitFor();
    await look('dashboard');
  }
  await go('/explore/goals');
  await look('goals');
  await go('/explore/sql');
  await page.locator('textarea').first().press('Control+Enter');
  await page.locator('tbody tr').first().waitFor();
  await look('sql');
  await go('/explore/board');
  await page.locator('table').nth(4).waitFor();
  await look('board');
}
