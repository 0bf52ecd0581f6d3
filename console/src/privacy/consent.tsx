import { Text } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api';
import { Chart } from '../parts/chart';
import { Part } from '../parts/page';
import { Empty, Trouble, Waiting } from '../parts/said';
import { type Column, DataTable } from '../parts/table';
import { useLanguage } from '../settings';
import { PrivacyPage } from './frame';
import { words } from './words';

// What each person said last of each purpose and channel, and month by month how many had granted it then.
const now = `with last as (
  select purpose, coalesce(channel, '') as channel, profile_id, granted,
    row_number() over (partition by purpose, coalesce(channel, ''), profile_id order by ts desc) as n
  from consents where profile_id is not null)
select purpose, channel, count(*) filter (where granted) as yes, count(*) filter (where not granted) as no from last where n = 1 group by 1, 2 order by 3 desc`;

const months = `with d as (select m as day from generate_series(date_trunc('month', current_date) - interval 11 month, current_date, interval 1 month) as s(m)),
said as (select d.day, c.purpose || case when coalesce(c.channel, '') = '' then '' else ' / ' || c.channel end as what, c.profile_id, c.granted,
    row_number() over (partition by d.day, c.purpose, c.channel, c.profile_id order by c.ts desc) as n
  from d join consents c on c.ts < d.day + interval 1 month where c.profile_id is not null)
select cast(cast(day as date) as varchar) as day, what, count(*) filter (where granted) as people from said where n = 1 group by 1, 2 order by 1, 2`;

interface Row {
  purpose: string;
  channel: string;
  yes: number;
  no: number;
}

/** Who agreed to what, and how that has gone. */
export function ConsentPage() {
  const { say, percent, number } = useLanguage(words);
  const told = useQuery({
    queryKey: ['consents', 'now'],
    queryFn: () => api.post('/api/v1/query', { body: { sql: now } }),
  });
  const rows: Row[] = ((told.data?.rows ?? []) as [string, string, number, number][]).map(
    ([purpose, channel, yes, no]) => ({
      purpose,
      channel,
      yes: Number(yes),
      no: Number(no),
    }),
  );
  const columns: Column<Row>[] = [
    { key: 'purpose', title: say('purpose'), value: (r) => r.purpose },
    { key: 'channel', title: say('channel'), value: (r) => r.channel, show: (r) => r.channel || say('every') },
    { key: 'yes', title: say('granted'), align: 'end', value: (r) => r.yes },
    { key: 'no', title: say('refused'), align: 'end', value: (r) => r.no },
    {
      key: 'share',
      title: say('share'),
      align: 'end',
      value: (r) => r.yes / Math.max(1, r.yes + r.no),
      show: (r) => percent(r.yes / Math.max(1, r.yes + r.no)),
    },
  ];
  return (
    <PrivacyPage title={say('consent')} about={say('consentAbout')}>
      {told.error && <Trouble error={told.error} />}
      {told.isPending && <Waiting />}
      {told.data && rows.length === 0 && (
        <Empty icon={IconChecklist} title={say('consentEmpty')}>
          {say('consentEmptyHelp')}
        </Empty>
      )}
      {rows.length > 0 && (
        <>
          <OverTime />
          <DataTable
            label={say('consent')}
            rows={rows}
            columns={columns}
            id={(r) => `${r.purpose}/${r.channel}`}
            sort="-yes"
          />
          <Text size="xs" c="dimmed">
            {say('consentFoot', { count: number(rows.reduce((n, r) => n + r.yes + r.no, 0)) })}
          </Text>
        </>
      )}
    </PrivacyPage>
  );
}

function OverTime() {
  const { say, short, number } = useLanguage(words);
  const told = useQuery({
    queryKey: ['consents', 'months'],
    staleTime: 300_000,
    queryFn: () => api.post('/api/v1/query', { body: { sql: months } }),
  });
  const rows = (told.data?.rows ?? []) as [string, string, number][];
  if (told.error) return <Trouble error={told.error} />;
  if (rows.length === 0) return null;
  const days = [...new Set(rows.map((r) => r[0]))];
  const lines = [...new Set(rows.map((r) => r[1]))];
  const at = (day: string, what: string) => Number(rows.find((r) => r[0] === day && r[1] === what)?.[2] ?? 0);
  return (
    <Part title={say('overTime')} about={say('overTimeHelp')}>
      <Chart
        height={240}
        summary={say('overTimeSummary', { first: days[0], last: days[days.length - 1] })}
        table={{
          head: [say('month'), ...lines],
          rows: days.map((d) => [d.slice(0, 7), ...lines.map((l) => number(at(d, l)))]),
        }}
        option={{
          legend: { top: 0, type: 'scroll' },
          grid: { top: 34, left: 8, right: 16, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
          xAxis: { type: 'category', data: days.map((d) => d.slice(0, 7)), boundaryGap: false },
          yAxis: { type: 'value', splitNumber: 3, axisLabel: { formatter: (v: number) => short(v) } },
          tooltip: { trigger: 'axis' },
          series: lines.map((name) => ({ type: 'line', name, data: days.map((d) => at(d, name)) })),
        }}
      />
    </Part>
  );
}
