/** A small line without axes: how a number went. Its numbers are told to those who cannot see it. */
export function Spark({ values, label }: { values: number[]; label: string }) {
  const [w, h] = [96, 22];
  if (values.length < 2) return <span>–</span>;
  const most = Math.max(...values, 1);
  const points = values.map(
    (v, i) => `${((i / (values.length - 1)) * w).toFixed(1)},${(h - 2 - (v / most) * (h - 4)).toFixed(1)}`,
  );
  return (
    <svg width={w} height={h} role="img" aria-label={label} style={{ display: 'block' }}>
      <polyline points={`0,${h} ${points.join(' ')} ${w},${h}`} fill="var(--mantine-primary-color-light)" />
      <polyline points={points.join(' ')} fill="none" stroke="var(--mantine-primary-color-filled)" strokeWidth={1.5} />
    </svg>
  );
}
