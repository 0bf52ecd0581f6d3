import { Button, Code, Grid, Group, Stack, Text } from '@mantine/core';
import { IconDownload, IconPencil, IconRefresh, IconTrash, IconUpload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { Together } from '../approval/together';
import { AskFirst } from '../parts/ask';
import { Page, Part, Tile, Tiles } from '../parts/page';
import { Trouble, Waiting, Working } from '../parts/said';
import { Allowed, useMay } from '../rights';
import { useLanguage } from '../settings';
import type { Condition, Rule } from './condition';
import { fileOf, listMembers } from './export';
import { EachCondition, usePreview } from './live';
import { History, Members } from './moves';
import { words } from './words';

const route = getRouteApi('/audiences/of/$name');
type Of = Schema<'AudienceInForce'>;

/** One audience: how it stands, who is in it and why, and what it is made of. */
export function Audience() {
  const path = route.useParams();
  const told = useQuery({
    queryKey: ['audiences', path.name],
    queryFn: () => api.get('/api/v1/audiences/{name}', { path }),
    refetchInterval: (q) => (q.state.data?.filling ? 700 : 5000),
  });
  const { say, number } = useLanguage(words);
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const a = told.data;
  return (
    <Page title={<bdi>{a.name}</bdi>} about={a.description} actions={<Actions of={a} />}>
      {a.filling && (
        <Working
          label={say('filling', {
            version: a.filling.version,
            filled: a.filling.filled,
            profiles: a.filling.profiles,
          })}
          share={a.filling.filled / Math.max(1, a.filling.profiles)}
        />
      )}
      <Standing of={a} />
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            {(a.version || a.filling) && (
              <>
                <History name={a.name} />
                <Allowed right="people">
                  <Members name={a.name} size={a.members} />
                </Allowed>
              </>
            )}
            <Together audience={a} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <Part title={say('definition')}>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                <bdi>{a.reads || a.query}</bdi>
              </Text>
              {a.where !== undefined && (
                <details className="behind">
                  <summary>{say('json')}</summary>
                  <Code block dir="ltr">
                    {JSON.stringify(a.where, null, 2)}
                  </Code>
                </details>
              )}
            </Part>
            {a.kind === 'definition' && <Explained of={a} />}
            {(a.suppressed ?? []).length > 0 && (
              <Part title={say('suppressed')}>
                {a.suppressed?.map((s) => (
                  <Group key={s.name} justify="space-between" gap="xs">
                    <Text size="sm">{s.name}</Text>
                    <Text size="sm" c="dimmed">
                      {say('removed', { removed: s.removed, alone: s.alone })}
                    </Text>
                  </Group>
                ))}
              </Part>
            )}
            {(a.percentiles ?? []).map((p) => (
              <Text key={`${p.trait}/${p.percentile}`} size="xs" c="dimmed">
                {p.trait}, {number(p.percentile)}%: {p.value === null ? '–' : number(Number(p.value))}
              </Text>
            ))}
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function Standing({ of }: { of: Of }) {
  const { say, number, percent, minute } = useLanguage(words);
  const status = useQuery({ queryKey: ['status'], queryFn: () => api.get('/api/v1/status') });
  const all = status.data?.counts?.profiles ?? 0;
  const out = (of.suppressed ?? []).reduce((n, s) => n + s.removed, 0);
  return (
    <>
      <Tiles>
        <Tile label={say('members')} value={<span data-testid="members">{number(of.members)}</span>} />
        <Tile label={say('share')} value={all > 0 ? percent(of.members / all) : '–'} />
        {of.list ? (
          <Tile
            label={say('matchRate')}
            value={percent(of.list.match_rate)}
            note={`${say('matched', { matched: of.list.matched })}; ${say('waiting', { waiting: of.list.waiting })}`}
          />
        ) : (
          <Tile label={say('suppressed')} value={number(out)} />
        )}
        <Tile
          label={say('version')}
          value={number(of.version ?? 0)}
          note={
            <>
              <bdi>{of.by}</bdi>, {minute(of.at)}
              {of.list?.due && `. ${say('due', { at: minute(of.list.due) })}`}
            </>
          }
        />
      </Tiles>
      {of.list?.error && <Trouble error={new Error(`${say('queryFailed')}: ${of.list.error}`)} />}
    </>
  );
}

function Actions({ of }: { of: Of }) {
  const { say } = useLanguage(words);
  const may = useMay();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [far, setFar] = useState(0);
  const down = useMutation({ mutationFn: () => listMembers(of.name, setFar) });
  const again = useMutation({
    mutationFn: () => api.post('/api/v1/audiences/{name}/refresh', { path: { name: of.name } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['audiences', of.name] }),
  });
  const failed = down.error ?? again.error;
  return (
    <>
      {may('export') && (
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          component="a"
          href={fileOf(of.name)}
          download
        >
          {say('export')}
        </Button>
      )}
      {may('people') && !may('export') && (
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={down.isPending}
          title={down.isPending ? say('exporting', { count: far }) : undefined}
          onClick={() => down.mutate()}
        >
          {say('export')}
        </Button>
      )}
      <Allowed right="audiences">
        {of.kind === 'sql' && (
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            loading={again.isPending}
            onClick={() => again.mutate()}
          >
            {say('refresh')}
          </Button>
        )}
        <AskFirst
          label={say('delete')}
          leftSection={<IconTrash size={16} aria-hidden />}
          title={say('deleteTitle', { name: of.name })}
          consequence={say('deleteHelp', { members: of.members })}
          act={() => api.delete('/api/v1/audiences/{name}', { path: { name: of.name } })}
          done={() => {
            void navigate({ to: '/audiences' });
            queries.removeQueries({ queryKey: ['audiences', of.name] });
            void queries.invalidateQueries({ queryKey: ['audiences'], exact: true });
          }}
        />
        {of.kind === 'static' ? (
          <Button
            leftSection={<IconUpload size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/audiences/file" search={{ name: of.name }} {...props} />}
          >
            {say('another')}
          </Button>
        ) : (
          <Button
            leftSection={<IconPencil size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/audiences/of/$name/change" params={{ name: of.name }} {...props} />}
          >
            {say('change')}
          </Button>
        )}
      </Allowed>
      {failed && <Trouble error={failed} />}
    </>
  );
}

/** What each condition does to the count. */
function Explained({ of }: { of: Of }) {
  const { say } = useLanguage(words);
  const preview = usePreview(of.where as Condition, (of.suppress as Rule[] | undefined) ?? []);
  const parts = preview.data?.breakdown ?? [];
  if (parts.length < 2) return null;
  return (
    <Part title={say('explain')} about={say('explainHelp')}>
      <EachCondition of={parts} />
    </Part>
  );
}
