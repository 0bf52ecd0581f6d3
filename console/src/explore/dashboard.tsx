import { ActionIcon, Button, Grid, Group } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconExternalLink, IconPlus, IconTrash, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { api } from '../api';
import { AskFirst } from '../parts/ask';
import { Page, Part } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { Allowed } from '../rights';
import { useLanguage } from '../settings';
import { AnswerView } from './answer';
import { Tabs } from './tabs';
import { words } from './words';

const route = getRouteApi('/explore/dashboards/$name');

/** The answers of a dashboard, asked anew. */
export function Dashboard() {
  const { name } = route.useParams();
  const { say } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { kind: 'dashboard' as const, name };
  const held = useQuery({
    queryKey: ['saved', 'dashboard', name],
    queryFn: () => api.get('/api/v1/saved/{kind}/{name}', { path }),
  });
  const told = useQuery({
    queryKey: ['saved', 'dashboard', name, 'answer', held.data?.at],
    queryFn: () => api.get('/api/v1/saved/{kind}/{name}/answer', { path }),
    enabled: !!held.data,
  });
  const questions = useQuery({
    queryKey: ['saved', 'question'],
    queryFn: () => api.get('/api/v1/saved', { query: { kind: 'question' } }),
  });
  const change = useMutation({
    mutationFn: (list: string[]) => {
      const { by: _, at: __, ...body } = held.data ?? { kind: 'dashboard', name };
      return api.put('/api/v1/saved/{kind}/{name}', { path, body: { ...body, questions: list } });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['saved', 'dashboard'] }),
  });
  const order = held.data?.questions ?? [];
  const move = (i: number, by: number) => {
    const list = [...order];
    const [moved] = list.splice(i, 1);
    list.splice(i + by, 0, moved);
    change.mutate(list);
  };
  const failed = held.error ?? told.error ?? change.error;
  return (
    <Page
      title={<bdi>{name}</bdi>}
      about={held.data?.description}
      actions={
        <Allowed right="contribute">
          <AskFirst
            label={say('delete')}
            leftSection={<IconTrash size={16} aria-hidden />}
            title={say('deleteTitle', { name })}
            consequence={say('deleteDashboard')}
            act={() => api.delete('/api/v1/saved/{kind}/{name}', { path })}
            done={() => {
              void queries.invalidateQueries({ queryKey: ['saved'] });
              void navigate({ to: '/explore/dashboards' });
            }}
          />
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/explore" {...props} />}
          >
            {say('ask')}
          </Button>
        </Allowed>
      }
    >
      <Tabs />
      {failed && <Trouble error={failed} />}
      {!told.data && !failed && <Waiting />}
      <Grid>
        {(told.data?.answers ?? []).map((a, i) => {
          const question = questions.data?.items?.find((q) => q.name === a.name)?.question;
          return (
            <Grid.Col key={a.name} span={{ base: 12, md: 6 }}>
              <Part
                title={a.name}
                actions={
                  <Group gap={2}>
                    {question && (
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`${say('open')}: ${a.name}`}
                        renderRoot={(props) => <Link to="/explore" search={{ q: question }} {...props} />}
                      >
                        <IconExternalLink size={15} aria-hidden />
                      </ActionIcon>
                    )}
                    <Allowed right="contribute">
                      <Act
                        label={`${say('moveUp')}: ${a.name}`}
                        icon={IconArrowUp}
                        off={i === 0}
                        act={() => move(i, -1)}
                      />
                      <Act
                        label={`${say('moveDown')}: ${a.name}`}
                        icon={IconArrowDown}
                        off={i === order.length - 1}
                        act={() => move(i, 1)}
                      />
                      <Act
                        label={`${say('takeOff')}: ${a.name}`}
                        icon={IconX}
                        act={() => change.mutate(order.filter((n) => n !== a.name))}
                      />
                    </Allowed>
                  </Group>
                }
              >
                {a.error && <Trouble error={new Error(a.error)} />}
                {a.answer && (
                  <AnswerView small question={question ?? { kind: a.answer.kind as 'metric' }} answer={a.answer} />
                )}
              </Part>
            </Grid.Col>
          );
        })}
      </Grid>
    </Page>
  );
}

function Act(props: { label: string; icon: typeof IconX; act: () => void; off?: boolean }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={props.label} disabled={props.off} onClick={props.act}>
      <props.icon size={15} aria-hidden />
    </ActionIcon>
  );
}
