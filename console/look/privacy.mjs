export default async function ({ look, go }) {
  for (const name of ['consent', 'requests', 'retention', 'audit']) {
    await go(`/privacy/${name}`);
    await look(`privacy-${name}`);
  }
}
