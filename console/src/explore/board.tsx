// What a board wants to see on one page, which can be printed: where value sits, what grows, what leaks, what
// service costs.
import { Button, Grid, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconPrinter, IconReceiptOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api';
import { Bars } from '../parts/bars';
import { Chart } from '../parts/chart';
import { Page, Part, Tile, Tiles } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { Sheet } from '../parts/sheet';
import { useLanguage } from '../settings';
import { useFormat } from './format';
import { concentration } from './options';
import type { Answer, Cell, Question } from './question';
import { Tabs } from './tabs';
import { words } from './words';

const ask = (q: Question) => api.post('/api/v1/explore', { body: q });

function useAnswer(q: Question) {
  return useQuery({ queryKey: ['explore', JSON.stringify(q)], queryFn: () => ask(q), staleTime: 5 * 60_000 });
}

/** A value of an answer by the name of its column. */
function at(a: Answer | undefined, row: number, column: string): unknown {
  const i = (a?.columns ?? []).findIndex((c) => c.name === column);
  return i < 0 ? undefined : (a?.rows?.[row] as unknown[] | undefined)?.[i];
}

export function Board() {
  const { say, minute } = useLanguage(words);
  const year = useAnswer({ kind: 'metric', measures: ['revenue', 'buyers', 'orders_per_buyer'], last: '365d' });
  const empty = year.data && !at(year.data, 0, 'revenue');
  return (
    <Page
      title={say('board')}
      about={say('boardAbout', { at: minute(new Date().toISOString()) })}
      actions={
        <Button
          className="unprinted"
          leftSection={<IconPrinter size={16} aria-hidden />}
          onClick={() => window.print()}
        >
          {say('print')}
        </Button>
      }
    >
      <Tabs />
      {year.error && <Trouble error={year.error} />}
      {year.isPending && <Waiting />}
      {empty && (
        <Empty icon={IconReceiptOff} title={say('noOrders')}>
          {say('noOrdersHelp')}
        </Empty>
      )}
      {year.data && !empty && (
        <>
          <Figures year={year.data} />
          <Grid>
            <Grid.Col span={{ base: 12, md: 7 }}>
              <Months />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 5 }}>
              <Value />
            </Grid.Col>
            <Grid.Col span={12}>
              <Ahead />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 7 }}>
              <Segments />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 5 }}>
              <Stack>
                <Countries />
                <Leaks />
              </Stack>
            </Grid.Col>
            <Grid.Col span={12}>
              <Service />
            </Grid.Col>
          </Grid>
        </>
      )}
    </Page>
  );
}

function Figures({ year }: { year: Answer }) {
  const { say, number } = useLanguage(words);
  const w = useFormat();
  const quarter = useAnswer({ kind: 'metric', measures: ['revenue'], last: '90d', compare: true });
  const best = useAnswer({ kind: 'concentration', last: '365d', points: [5] });
  const change = at(quarter.data, 0, 'revenue change');
  const pace = Number(at(quarter.data, 0, 'revenue') ?? 0) / 3;
  return (
    <Tiles>
      <Tile
        label={say('revenue12')}
        value={w.format(at(year, 0, 'revenue'), year.currency)}
        note={
          <>
            {say('change90')}: <Change of={change} />
          </>
        }
      />
      <Tile
        label={say('buyers12')}
        value={w.format(at(year, 0, 'buyers'))}
        note={say('perBuyer', { n: w.format(at(year, 0, 'orders_per_buyer')) })}
      />
      <Tile
        label={say('top5')}
        value={w.format(at(best.data, 0, 'of_amount'), 'percent')}
        note={
          best.data &&
          say('top5Note', {
            people: number(Number(at(best.data, 0, 'people') ?? 0)),
            least: w.format(at(best.data, 0, 'least'), best.data.currency),
          })
        }
      />
      <Tile label={say('runRate')} value={w.format(pace, year.currency)} note={say('runRateNote')} />
    </Tiles>
  );
}

/** A change in percent, with its direction as a sign and not by colour alone. */
function Change({ of }: { of: unknown }) {
  const w = useFormat();
  if (typeof of !== 'number') return <>–</>;
  return (
    <Text
      component="span"
      inherit
      c={of < 0 ? 'var(--warning)' : 'var(--mantine-color-anchor)'}
      style={{ whiteSpace: 'nowrap' }}
    >
      {of < 0 ? '▼' : '▲'} {w.format(Math.abs(of), 'percent')}
    </Text>
  );
}

function Months() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const told = useAnswer({ kind: 'metric', measures: ['revenue'], by: ['month'], last: '365d' });
  const last = (told.data?.rows?.length ?? 0) - 1;
  const month = (i: number) => w.dimension(at(told.data, i, 'month'), 'month');
  const written = (v: unknown) => w.format(v, told.data?.currency);
  const rows = (told.data?.rows ?? []).map((_, i) => ({
    label: month(i),
    value: Number(at(told.data, i, 'revenue') ?? 0),
  }));
  return (
    <Part title={say('revenueMonths')} about={told.data?.currency}>
      {told.error && <Trouble error={told.error} />}
      {told.data && (
        <Bars
          summary={say('sumTime', {
            measure: say('revenue'),
            from: month(0),
            until: month(last),
            value: written(at(told.data, last, 'revenue')),
          })}
          rows={rows}
          write={written}
          every={2}
          height={230}
          table={{ head: [say('grain_month'), say('revenue')], rows: rows.map((r) => [r.label, written(r.value)]) }}
        />
      )}
    </Part>
  );
}

/** Months to come, of all or by channel, stage, country or group. */
function Ahead() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const [measure, setMeasure] = useState('revenue');
  const [by, setBy] = useState('');
  const models = useQuery({ queryKey: ['models'], queryFn: () => api.get('/api/v1/models') });
  const told = useAnswer({
    kind: 'metric',
    measures: [measure],
    by: by ? ['month', by] : ['month'],
    ahead: 3,
  });
  const groups = (models.data?.items ?? []).filter((m) => m.kind === 'segments' && m.promoted > 0);
  const list = told.data?.ahead ?? [];
  return (
    <Part title={say('ahead')} about={say('aheadAbout')}>
      <Group className="unprinted" mb="xs">
        <NativeSelect
          size="xs"
          label={say('aheadOf')}
          data={(['revenue', 'orders', 'buyers'] as const).map((m) => ({ value: m, label: say(`ahead_${m}`) }))}
          value={measure}
          onChange={(e) => setMeasure(e.currentTarget.value)}
        />
        <NativeSelect
          size="xs"
          label={say('aheadBy')}
          data={[
            { value: '', label: say('aheadAll') },
            { value: 'sales_channel', label: say('aheadChannel') },
            { value: 'stage', label: say('aheadStage') },
            { value: 'country', label: say('aheadCountry') },
            ...groups.map((m) => ({ value: `${m.name}_segment`, label: m.name })),
          ]}
          value={by}
          onChange={(e) => setBy(e.currentTarget.value)}
        />
      </Group>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {list.length > 0 && (
        <Sheet
          head={[
            '',
            ...(list[0].periods ?? []).map((p) => w.dimension(p.from, 'month')),
            say('aheadError'),
            say('aheadNaive'),
          ]}
          rows={list.map((f) => [
            by ? w.dimension(f.cell?.[by], by) : say('aheadAll'),
            ...(f.periods ?? []).map((p) =>
              say('aheadRange', {
                expected: w.format(Math.round(p.expected), f.unit),
                low: w.format(Math.round(p.low)),
                high: w.format(Math.round(p.high)),
              }),
            ),
            w.format(Math.round(f.mae)),
            w.format(Math.round(f.naive_mae)),
          ])}
        />
      )}
    </Part>
  );
}

function Value() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const told = useAnswer({ kind: 'concentration', last: '365d' });
  const fifth = (told.data?.rows ?? []).findIndex((_, i) => at(told.data, i, 'percent') === 20);
  return (
    <Part
      title={say('concentration')}
      about={told.data && say('sumConcentration', { share: w.format(at(told.data, fifth, 'of_amount'), 'percent') })}
    >
      {told.error && <Trouble error={told.error} />}
      {told.data && (
        <Chart
          plot={concentration(told.data, w).plot}
          summary={say('sumConcentration', { share: w.format(at(told.data, fifth, 'of_amount'), 'percent') })}
        />
      )}
    </Part>
  );
}

interface Segment {
  segment: string;
  people: number;
  revenue: unknown;
  change: unknown;
}

/** What those who were in a segment 90 days ago have brought since, against the time before. */
async function askSegments(): Promise<{ list: Segment[]; currency: string }> {
  const then = new Date(Date.now() - 90 * 86_400_000).toISOString().slice(0, 10);
  const question: Question = { kind: 'rfm', until: then };
  const were = await ask(question);
  const list = await Promise.all(
    (were.rows ?? []).slice(0, 11).map(async (_, i) => {
      const cell = were.cells?.[i] as Cell;
      const since = await ask({
        kind: 'metric',
        measures: ['revenue'],
        last: '90d',
        compare: true,
        behind: { question, cell },
      });
      return {
        segment: String(cell.segment),
        people: Number(at(were, i, 'people') ?? 0),
        revenue: at(since, 0, 'revenue'),
        change: at(since, 0, 'revenue change'),
      };
    }),
  );
  return { list: list.sort((a, b) => Number(b.revenue ?? 0) - Number(a.revenue ?? 0)), currency: were.currency };
}

function Segments() {
  const { say, number } = useLanguage(words);
  const w = useFormat();
  const told = useQuery({ queryKey: ['board', 'segments'], queryFn: askSegments, staleTime: 5 * 60_000 });
  return (
    <Part title={say('segments')} about={say('segmentsAbout')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && (
        <Sheet
          head={[say('segment'), say('people'), say('days90'), say('change')]}
          rows={told.data.list.map((s) => [
            w.dimension(s.segment, 'segment'),
            number(s.people),
            w.format(s.revenue ?? 0, told.data.currency),
            <Change key="change" of={s.change} />,
          ])}
        />
      )}
    </Part>
  );
}

function Countries() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const told = useAnswer({
    kind: 'metric',
    measures: ['revenue'],
    by: ['country'],
    last: '90d',
    compare: true,
    limit: 7,
    order: '-revenue',
  });
  const a = told.data;
  if (told.error) return null; // no country is known of anybody
  return (
    <Part title={say('byCountry')} about={say('change90')}>
      {!a && <Waiting />}
      {a && (
        <Sheet
          head={['', say('days90'), say('change')]}
          rows={(a.rows ?? []).map((_, i) => [
            w.dimension(at(a, i, 'country'), 'country'),
            w.format(at(a, i, 'revenue'), a.currency),
            <Change key="change" of={at(a, i, 'revenue change')} />,
          ])}
        />
      )}
    </Part>
  );
}

function Leaks() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const told = useAnswer({ kind: 'leaks', last: '90d' });
  const a = told.data;
  return (
    <Part title={say('leaks')}>
      {told.error && <Trouble error={told.error} />}
      {a && (
        <Sheet
          head={[say('leak'), say('people'), say('moneyMonth')]}
          rows={(a.rows ?? []).map((_, i) => [
            w.dimension(at(a, i, 'leak'), 'leak'),
            w.format(at(a, i, 'people')),
            w.format(at(a, i, 'money_a_month'), a.currency),
          ])}
        />
      )}
    </Part>
  );
}

function Service() {
  const { say } = useLanguage(words);
  const w = useFormat();
  const measures = ['service_cost', 'contacts', 'contacts per 100 orders', 'service_cost per orders'];
  const all = useAnswer({ kind: 'metric', measures, last: '180d' });
  const topics = useAnswer({
    kind: 'metric',
    measures: measures.slice(0, 3),
    by: ['topic'],
    last: '180d',
    limit: 8,
    order: '-service_cost',
  });
  const a = all.data;
  const none = a && !at(a, 0, 'contacts');
  return (
    <Part title={say('service')} about={say('serviceAbout')}>
      {all.error && <Trouble error={all.error} />}
      {none && <Text size="sm">{say('noService')}</Text>}
      {a && !none && (
        <Grid>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Tiles most={2}>
              <Tile label={say('cost')} value={w.format(at(a, 0, 'service_cost'), a.currency)} />
              <Tile label={say('costPerOrder')} value={w.format(at(a, 0, 'service_cost per orders'), a.currency)} />
              <Tile label={say('contacts')} value={w.format(at(a, 0, 'contacts'))} />
              <Tile label={say('perHundred')} value={w.format(at(a, 0, 'contacts per 100 orders'))} />
            </Tiles>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            {topics.data && (
              <Sheet
                head={[say('topic'), say('contacts'), say('cost')]}
                rows={(topics.data.rows ?? []).map((_, i) => [
                  w.dimension(at(topics.data, i, 'topic'), 'topic'),
                  w.format(at(topics.data, i, 'contacts')),
                  w.format(at(topics.data, i, 'service_cost'), a.currency),
                ])}
              />
            )}
          </Grid.Col>
        </Grid>
      )}
    </Part>
  );
}
