// How far a version can be believed: in sentences first, then beside naive guesses, calibration, lift and drivers.
import { List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, type Schema } from '../api';
import { Chart } from '../parts/chart';
import { shares } from '../parts/lines';
import { Part, Scroll } from '../parts/page';
import { Meter, Trouble, Waiting } from '../parts/said';
import { Sheet } from '../parts/sheet';
import { useLanguage } from '../settings';
import { Uplift } from './uplift';
import { words } from './words';

type Told = Schema<'ModelReport'>;

export function Report({ name, version, at }: { name: string; version?: number; at: string }) {
  const { say, day } = useLanguage(words);
  const told = useQuery({
    queryKey: ['models', name, 'report', version, at],
    queryFn: () => api.get('/api/v1/models/{name}/report', { path: { name }, query: { version } }),
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const r = told.data;
  return (
    <Stack>
      <Part
        title={say('believe')}
        about={
          r.backtest &&
          say('tested', { customers: r.backtest.customers, from: day(r.backtest.from), to: day(r.backtest.to) })
        }
      >
        <Sentences of={r.summary ?? []} />
        {(r.notes ?? []).length > 0 && (
          <>
            <Text size="sm" fw={600} mt="sm">
              {say('mind')}
            </Text>
            <Sentences of={r.notes ?? []} />
          </>
        )}
      </Part>
      {r.uplift && <Uplift of={r.uplift} />}
      {(r.measures ?? []).length > 1 && <Measures of={r} />}
      {(r.calibration ?? []).length > 1 && <Calibration of={r} />}
      {(r.lift ?? []).length > 1 && <Lift of={r} />}
      {(r.drivers ?? []).length > 0 && <Drivers of={r} />}
      {(r.groups ?? []).length > 0 && <Groups of={r} />}
    </Stack>
  );
}

function Sentences({ of }: { of: string[] }) {
  return (
    <List size="sm" spacing={4}>
      {of.map((s) => (
        <List.Item key={s}>{s}</List.Item>
      ))}
    </List>
  );
}

/** The columns that any of the rows has. */
const names = (rows: { values?: Record<string, number> }[]) => [
  ...new Set(rows.flatMap((r) => Object.keys(r.values ?? {}))),
];

function Measures({ of }: { of: Told }) {
  const { say, number } = useLanguage(words);
  const rows = of.measures ?? [];
  const naive = rows.filter((r) => r.naive);
  // What can be held against naive guesses; the rest stands in the sentences.
  const columns = names(naive.length > 0 ? naive : rows);
  return (
    <Part title={say('measures')} about={say(of.uplift ? 'qiniHelp' : 'measuresHelp')}>
      <Scroll>
        <table className="table">
          <thead>
            <tr>
              <th>{say('guess')}</th>
              {columns.map((c) => (
                <th key={c} data-end>
                  {c.replaceAll('_', ' ')}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr key={r.name} data-strong={(!r.naive && naive.length > 0) || undefined}>
                <td>{r.naive || naive.length === 0 ? r.name : `${r.name} (${say('model')})`}</td>
                {columns.map((c) => (
                  <td key={c} data-end>
                    {r.values?.[c] === undefined ? '–' : number(Number(r.values[c].toPrecision(4)))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Part>
  );
}

function Calibration({ of }: { of: Told }) {
  const { say, number } = useLanguage(words);
  const bins = of.calibration ?? [];
  const rounded = (v: number) => number(Number(v.toPrecision(4)));
  return (
    <Part title={say('calibration')}>
      <Chart
        summary={say('calibrationSummary')}
        plot={{
          kind: 'bars',
          rows: bins.map((b) => ({ label: b.name, value: b.said, beside: b.came })),
          names: [say('said'), say('came')],
          write: (said, came) => `${say('said')} ${rounded(said)}, ${say('came')} ${rounded(came ?? 0)}`,
          every: Math.ceil(bins.length / 5),
          table: {
            head: ['', say('count'), say('said'), say('came')],
            rows: bins.map((b) => [b.name, number(b.people), rounded(b.said), rounded(b.came)]),
          },
        }}
      />
    </Part>
  );
}

function Lift({ of }: { of: Told }) {
  const { say, percent } = useLanguage(words);
  const lift = of.lift ?? [];
  const shown = lift.find((l) => l.share >= 0.1) ?? lift[0];
  const line = (name: string, value: (l: Schema<'ModelLift'>) => number | undefined, dashed = false) => ({
    name,
    dashed,
    points: [
      { x: 0, y: 0 },
      ...lift.flatMap((l) => {
        const y = value(l);
        if (y === undefined) return [];
        return [{ x: l.share * 100, y: y * 100, title: `${name}, ${percent(l.share)}: ${percent(y)}` }];
      }),
    ],
  });
  const lines = [line(say('liftModel'), (l) => l.model)];
  if (lift.some((l) => l.naive !== undefined)) lines.push(line(say('liftNaive'), (l) => l.naive));
  if (lift.some((l) => l.best !== undefined)) lines.push(line(say('liftBest'), (l) => l.best, true));
  const summary = say('liftSummary', {
    share: percent(shown.share),
    model: percent(shown.model),
    naive: shown.naive === undefined ? '–' : percent(shown.naive),
  });
  return (
    <Part title={say('lift')} about={summary}>
      <Chart
        summary={summary}
        unit={say('liftUnit')}
        plot={{ kind: 'lines', lines, ticks: shares(percent), end: 100, percent, under: say('liftUnder') }}
      />
    </Part>
  );
}

function Drivers({ of }: { of: Told }) {
  const { say } = useLanguage(words);
  const list = of.drivers ?? [];
  const most = Math.max(...list.map((d) => Math.abs(d.weight)), 1e-9);
  return (
    <Part title={say('drivers')}>
      <Stack gap={6}>
        {list.slice(0, 12).map((d) => (
          <div key={d.name}>
            <Text size="sm">
              {d.name.replaceAll('_', ' ')}{' '}
              <Text component="span" size="xs" c="dimmed">
                {d.direction !== 0 && say(d.direction > 0 ? 'more' : 'less')}
              </Text>
            </Text>
            <Meter share={Math.abs(d.weight) / most} label={d.name} />
          </div>
        ))}
      </Stack>
    </Part>
  );
}

function Groups({ of }: { of: Told }) {
  const { say, number, percent } = useLanguage(words);
  const rows = of.groups ?? [];
  const columns = names(rows).slice(0, 5);
  return (
    <Part title={say('groups')}>
      <Sheet
        head={[say('group'), say('count'), say('share'), ...columns.map((c) => c.replaceAll('_', ' '))]}
        rows={rows.map((g) => [
          g.name.replaceAll('_', ' '),
          number(g.people),
          percent(g.share),
          ...columns.map((c) => (g.values?.[c] === undefined ? '–' : number(Number(g.values[c].toPrecision(4))))),
        ])}
      />
    </Part>
  );
}
