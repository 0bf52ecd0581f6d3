// How far a version can be believed: in sentences first, then beside naive guesses, calibration, lift and drivers.
import { List, Progress, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, type Schema } from '../api';
import { Chart } from '../parts/chart';
import { Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
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
      <Table.ScrollContainer minWidth={0} type="native" tabIndex={0}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('guess')}</Table.Th>
              {columns.map((c) => (
                <Table.Th key={c} ta="end">
                  {c.replaceAll('_', ' ')}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((r) => (
              <Table.Tr key={r.name} fw={r.naive || naive.length === 0 ? undefined : 600}>
                <Table.Td>{r.naive || naive.length === 0 ? r.name : `${r.name} (${say('model')})`}</Table.Td>
                {columns.map((c) => (
                  <Table.Td key={c} ta="end">
                    {r.values?.[c] === undefined ? '–' : number(Number(r.values[c].toPrecision(4)))}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Part>
  );
}

function Calibration({ of }: { of: Told }) {
  const { say } = useLanguage(words);
  const bins = of.calibration ?? [];
  const bar = (key: 'said' | 'came') => ({
    type: 'bar',
    name: say(key),
    barMaxWidth: 26,
    data: bins.map((b) => Number(b[key].toPrecision(4))),
  });
  return (
    <Part title={say('calibration')}>
      <Chart
        summary={say('calibrationSummary')}
        height={240}
        option={{
          legend: { top: 0 },
          grid: { left: 8, right: 8, top: 34, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          tooltip: { trigger: 'axis' },
          xAxis: { type: 'category', data: bins.map((b) => b.name) },
          yAxis: { type: 'value' },
          series: [bar('said'), bar('came')],
        }}
        table={{
          head: ['', say('count'), say('said'), say('came')],
          rows: bins.map((b) => [b.name, b.people, Number(b.said.toPrecision(4)), Number(b.came.toPrecision(4))]),
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
    type: 'line',
    name,
    showSymbol: true,
    symbolSize: 6,
    lineStyle: { type: dashed ? 'dashed' : 'solid', width: 2 },
    data: [[0, 0], ...lift.flatMap((l) => (value(l) === undefined ? [] : [[l.share * 100, Number(value(l)) * 100]]))],
  });
  const series = [line(say('liftModel'), (l) => l.model)];
  if (lift.some((l) => l.naive !== undefined)) series.push(line(say('liftNaive'), (l) => l.naive));
  if (lift.some((l) => l.best !== undefined)) series.push(line(say('liftBest'), (l) => l.best, true));
  const summary = say('liftSummary', {
    share: percent(shown.share),
    model: percent(shown.model),
    naive: shown.naive === undefined ? '–' : percent(shown.naive),
  });
  return (
    <Part title={say('lift')} about={summary}>
      <Chart
        summary={summary}
        height={260}
        option={{
          legend: { top: 0 },
          grid: { left: 8, right: 16, top: 34, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          tooltip: { trigger: 'axis', valueFormatter: (v: unknown) => `${Math.round(Number(v))} %` },
          xAxis: { type: 'value', min: 0, max: 100 },
          yAxis: { type: 'value', min: 0, max: 100 },
          series,
        }}
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
            <Progress value={(Math.abs(d.weight) / most) * 100} size="sm" aria-label={d.name} />
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
      <Table.ScrollContainer minWidth={0} type="native" tabIndex={0}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('group')}</Table.Th>
              <Table.Th ta="end">{say('count')}</Table.Th>
              <Table.Th ta="end">{say('share')}</Table.Th>
              {columns.map((c) => (
                <Table.Th key={c} ta="end">
                  {c.replaceAll('_', ' ')}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((g) => (
              <Table.Tr key={g.name}>
                <Table.Td>{g.name.replaceAll('_', ' ')}</Table.Td>
                <Table.Td ta="end">{number(g.people)}</Table.Td>
                <Table.Td ta="end">{percent(g.share)}</Table.Td>
                {columns.map((c) => (
                  <Table.Td key={c} ta="end">
                    {g.values?.[c] === undefined ? '–' : number(Number(g.values[c].toPrecision(4)))}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Part>
  );
}
