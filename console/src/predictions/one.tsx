import { Alert, Button, Grid, Group, Stack, Text } from '@mantine/core';
import { IconArrowBackUp, IconPlayerStop, IconSchool, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { api, type Schema } from '../api';
import { AskFirst } from '../parts/ask';
import { Page, Part, Tile, Tiles } from '../parts/page';
import { Trouble, Waiting, Working } from '../parts/said';
import { DataTable } from '../parts/table';
import { Allowed, useMay } from '../rights';
import { useLanguage } from '../settings';
import { Act } from './act';
import { Baseline } from './baseline';
import { Quality } from './list';
import { Report } from './report';
import { words } from './words';

const route = getRouteApi('/predictions/$name');
type Of = Schema<'ModelInForce'>;

/** One model: how far to believe it, what moves it, its versions, and audiences of its scores. */
export function Model() {
  const path = route.useParams();
  const { version } = route.useSearch();
  const { say, number, day } = useLanguage(words);
  const told = useQuery({
    queryKey: ['models', path.name],
    queryFn: () => api.get('/api/v1/models/{name}', { path }),
    refetchInterval: (q) => (q.state.data?.running ? 1000 : 15_000),
  });
  if (told.error) return <Trouble error={told.error} />;
  if (!told.data) return <Waiting />;
  const m = told.data;
  const v = m.latest;
  return (
    <Page
      title={m.name}
      about={m.description || `${say(`kind_${m.kind}`)}: ${say(`for_${m.kind}`)}`}
      actions={
        <Allowed right="data">
          <Actions of={m} />
        </Allowed>
      }
    >
      {m.running && (
        <Working
          label={say(`doing_${m.running.doing}` as 'doing_waits', { done: m.running.done, of: m.running.of ?? 0 })}
          share={m.running.of ? m.running.done / m.running.of : undefined}
        />
      )}
      {m.trouble && <Trouble error={new Error(`${say('trouble')}: ${m.trouble}`)} />}
      {v?.state === 'refused' && (
        <Alert color="yellow" title={say('refused')}>
          {v.why}
        </Alert>
      )}
      <Tiles>
        <Tile
          label={say('quality')}
          value={v ? <Quality of={v.quality} /> : '–'}
          note={v?.state !== 'refused' && v?.why}
        />
        <Tile label={say('version')} value={number(m.promoted)} note={v && say(`s_${v.state}` as 's_trained')} />
        <Tile label={say('scored')} value={number(m.scored?.profiles ?? 0)} note={m.scored && day(m.scored.at)} />
        <Tile label={say('trained')} value={v ? day(v.at) : '–'} note={v && say('people', { count: v.customers })} />
      </Tiles>
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            {v ? <Report name={m.name} version={version} at={v.at} /> : <Text size="sm">{say('noVersion')}</Text>}
            {m.kind === 'ltv' && m.promoted > 0 && <Baseline name={m.name} promoted={m.promoted} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack>
            {m.promoted > 0 && (
              <Allowed right="audiences">
                <Act of={m} />
              </Allowed>
            )}
            {v && <Versions of={m} />}
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

function useAct(of: Of, act: () => Promise<unknown>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => queries.invalidateQueries({ queryKey: ['models', of.name] }),
  });
}

function Actions({ of }: { of: Of }) {
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { name: of.name };
  const train = useAct(of, () => api.post('/api/v1/models/{name}/train', { path }));
  const stop = useAct(of, () => api.post('/api/v1/models/{name}/cancel', { path }));
  const back = useAct(of, () => api.post('/api/v1/models/{name}/rollback', { path }));
  const failed = train.error ?? stop.error ?? back.error;
  return (
    <>
      <AskFirst
        label={say('delete')}
        leftSection={<IconTrash size={16} aria-hidden />}
        title={say('deleteTitle', { name: of.name })}
        consequence={say('deleteHelp', { people: of.scored?.profiles ?? 0 })}
        act={() => api.delete('/api/v1/models/{name}', { path })}
        done={() => {
          void navigate({ to: '/predictions' });
          queries.removeQueries({ queryKey: ['models', of.name] });
          void queries.invalidateQueries({ queryKey: ['models'], exact: true });
        }}
      />
      {of.promoted > 1 && (
        <Button
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          loading={back.isPending}
          onClick={() => back.mutate()}
        >
          {say('rollBack')}
        </Button>
      )}
      {of.running ? (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          loading={stop.isPending}
          onClick={() => stop.mutate()}
        >
          {say('stop')}
        </Button>
      ) : (
        <Button
          leftSection={<IconSchool size={16} aria-hidden />}
          loading={train.isPending}
          onClick={() => train.mutate()}
        >
          {say('train')}
        </Button>
      )}
      {failed && <Trouble error={failed} />}
    </>
  );
}

function Versions({ of }: { of: Of }) {
  const { say, day } = useLanguage(words);
  const may = useMay();
  const path = { name: of.name };
  const told = useQuery({
    queryKey: ['models', of.name, 'versions', of.latest?.at, of.promoted],
    queryFn: () => api.get('/api/v1/models/{name}/versions', { path }),
  });
  const waiting = told.data?.items?.find((v) => v.state === 'trained');
  const promote = useAct(of, () =>
    api.post('/api/v1/models/{name}/promote', { path, body: { version: waiting?.version ?? 0 } }),
  );
  return (
    <Part title={say('versions')}>
      <Stack gap="xs">
        {told.error && <Trouble error={told.error} />}
        <DataTable
          bare
          label={say('versions')}
          rows={told.data?.items ?? []}
          id={(v) => String(v.version)}
          columns={[
            { key: 'version', title: say('version'), value: (v) => v.version },
            {
              key: 'quality',
              title: say('quality'),
              value: (v) => v.quality,
              show: (v) => say(`q_${v.quality}` as 'q_good'),
            },
            {
              key: 'state',
              title: say('state'),
              value: (v) => v.state,
              show: (v) => say(`s_${v.state}` as 's_trained'),
            },
            { key: 'at', title: say('trained'), nowrap: true, value: (v) => v.at, show: (v) => day(v.at) },
          ]}
        />
        {waiting && may('data') && (
          <Group>
            <Button size="xs" variant="default" loading={promote.isPending} onClick={() => promote.mutate()}>
              {say('promote', { version: waiting.version })}
            </Button>
          </Group>
        )}
        {promote.error && <Trouble error={promote.error} />}
      </Stack>
    </Part>
  );
}
