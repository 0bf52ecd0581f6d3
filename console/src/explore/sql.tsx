import { Button, Grid, Group, NavLink, Stack, Text, Textarea } from '@mantine/core';
import { IconDownload, IconPlayerPlay, IconUsersPlus } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api, type Schema } from '../api';
import { Chart } from '../parts/chart';
import { OneOf } from '../parts/oneof';
import { Page, Part } from '../parts/page';
import { type Cell, csv, download } from '../parts/rows';
import { Trouble, Waiting } from '../parts/said';
import { useLanguage } from '../settings';
import { AnswerTable } from './answer';
import { useFormat } from './format';
import { measuresOf, metric } from './options';
import type { Answer } from './question';
import { Tabs } from './tabs';
import { words } from './words';

const route = getRouteApi('/explore/sql');

const tables =
  'profiles identifiers events orders order_lines returns payments products prices inventory loyalty_accounts loyalty_ledger conversations messages decisions ad_spend consents audience_members audience_lists predictions lifecycle fx_rates'.split(
    ' ',
  );
const first =
  'select category, count(*) as lines, sum(quantity) as pieces\nfrom order_lines\ngroup by category\norder by 2 desc';

/** One SELECT: what it asks stands in the address once it was run. */
export function Sql() {
  const { say, number } = useLanguage(words);
  const navigate = useNavigate();
  const given = route.useSearch().sql;
  const [text, setText] = useState(given ?? first);
  const box = useRef<HTMLTextAreaElement>(null);
  const run = useMutation({
    mutationFn: (sql: string) => api.post('/api/v1/query', { body: { sql: sql.replace(/;\s*$/, '') } }),
  });
  const start = () => {
    void navigate({ to: '/explore/sql', search: { sql: text }, replace: true });
    run.mutate(text);
  };
  const begun = useRef(false);
  useEffect(() => {
    if (given && !begun.current) run.mutate(given);
    begun.current = true;
  }, [given, run.mutate]);
  const insert = (word: string) => {
    const at = box.current?.selectionStart ?? text.length;
    setText(`${text.slice(0, at)}${word}${text.slice(box.current?.selectionEnd ?? at)}`);
    box.current?.focus();
  };
  const told = run.data;
  return (
    <Page title={say('sql')} about={say('sqlAbout')}>
      <Tabs />
      <Grid>
        <Grid.Col span={{ base: 12, md: 9 }}>
          <Stack>
            <Part title={say('sql')}>
              <Stack gap="xs">
                <Textarea
                  ref={box}
                  aria-label={say('sql')}
                  autosize
                  minRows={7}
                  maxRows={24}
                  dir="ltr"
                  spellCheck={false}
                  styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
                  value={text}
                  onChange={(e) => setText(e.currentTarget.value)}
                  onKeyDown={(e) => {
                    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) start();
                  }}
                />
                <Group gap="xs">
                  <Button
                    size="xs"
                    leftSection={<IconPlayerPlay size={14} aria-hidden />}
                    loading={run.isPending}
                    onClick={start}
                  >
                    {say('run')}
                  </Button>
                  <Text size="xs" c="dimmed">
                    {say('runHelp')}
                  </Text>
                  {told?.columns?.some((c) => c.name === 'profile_id') && (
                    <Button
                      size="xs"
                      variant="default"
                      leftSection={<IconUsersPlus size={14} aria-hidden />}
                      renderRoot={(props) => <Link to="/audiences/sql" search={{ query: text }} {...props} />}
                    >
                      {say('asAudience')}
                    </Button>
                  )}
                </Group>
              </Stack>
            </Part>
            {run.error && <Trouble error={run.error} />}
            {told && (
              <Part
                title={say('rows', { rows: told.rows?.length ?? 0, ms: told.took_ms })}
                about={told.cut ? say('cut') : undefined}
                actions={
                  <Button
                    size="xs"
                    variant="default"
                    leftSection={<IconDownload size={14} aria-hidden />}
                    onClick={() => save(told)}
                  >
                    {say('csv')}
                  </Button>
                }
              >
                <Result told={told} />
              </Part>
            )}
            {told?.rows?.length === 0 && <Text size="sm">{number(0)}</Text>}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 3 }}>
          <Part title={say('tables')}>
            {tables.map((t) => (
              <Columns key={t} table={t} insert={insert} />
            ))}
          </Part>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function save(told: Schema<'QueryResult'>) {
  const text = (v: unknown): Cell => (v !== null && typeof v === 'object' ? JSON.stringify(v) : (v as Cell));
  const columns = (told.columns ?? []).map((c, i) => ({
    key: c.name,
    title: c.name,
    value: (r: unknown[]) => text(r[i]),
  }));
  download('query.csv', csv((told.rows ?? []) as unknown[][], columns));
}

const numeric = /int|decimal|double|float|real|numeric/i;

/** The rows as a table, or as a chart where there is something to draw. */
function Result({ told }: { told: Schema<'QueryResult'> }) {
  const { say } = useLanguage(words);
  const w = useFormat();
  const [as, setAs] = useState('table');
  const columns = (told.columns ?? []).map((c) => ({
    name: c.name,
    role: numeric.test(c.type) && !/(^|_)id$/.test(c.name) ? ('measure' as const) : ('dimension' as const),
  }));
  const rows = ((told.rows ?? []) as unknown[][]).map((r) =>
    r.map((v, i) => {
      if (v !== null && typeof v === 'object') return JSON.stringify(v);
      return columns[i].role === 'measure' && typeof v === 'string' ? Number(v) : v;
    }),
  );
  const answer = { kind: 'metric', columns, rows, cells: [] } as unknown as Answer;
  const plan = metric(answer, measuresOf(answer)[0]?.name ?? '', w);
  return (
    <Stack gap="xs">
      {plan && (
        <OneOf
          label={say('chart')}
          data={[
            { value: 'table', label: say('table') },
            { value: 'chart', label: say('chart') },
          ]}
          value={as}
          set={setAs}
        />
      )}
      {plan && as === 'chart' ? (
        <Chart plot={plan.plot} unit={plan.unit} summary={measuresOf(answer)[0]?.name ?? ''} />
      ) : (
        <AnswerTable answer={answer} open={() => {}} head={(column) => column} />
      )}
    </Stack>
  );
}

/** A table of the schema with its columns; a click puts a name where the cursor is. */
function Columns({ table, insert }: { table: string; insert: (word: string) => void }) {
  const [opened, setOpened] = useState(false);
  const told = useQuery({
    queryKey: ['describe', table],
    queryFn: () => api.post('/api/v1/query', { body: { sql: `describe ${table}` } }),
    enabled: opened,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <NavLink label={table} fz="xs" py={3} opened={opened} onChange={setOpened} childrenOffset={12} component="button">
      {told.isPending && <Waiting />}
      {told.error && <Trouble error={told.error} />}
      {told.data?.rows?.map((r) => (
        <NavLink
          key={String(r?.[0])}
          component="button"
          py={1}
          label={
            <Text size="xs">
              {String(r?.[0])}{' '}
              <Text component="span" size="xs" c="dimmed">
                {String(r?.[1]).toLowerCase()}
              </Text>
            </Text>
          }
          onClick={() => insert(String(r?.[0]))}
        />
      ))}
    </NavLink>
  );
}
