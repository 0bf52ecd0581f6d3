import { Alert, Button, List, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, type Schema } from '../api';
import { Part, Tile, Tiles } from '../parts/page';
import { Trouble, Waiting } from '../parts/said';
import { useWho } from '../rights';
import { useLanguage } from '../settings';
import { useTour } from '../tour/state';
import { SettingsPage } from './frame';
import { type Role, words } from './words';

/** How the program is doing, and who one is to it. */
export function About() {
  const { say } = useLanguage(words);
  const who = useWho();
  const tour = useTour(who?.name ?? '');
  const status = useQuery({
    queryKey: ['status'],
    queryFn: () => api.get('/api/v1/status'),
    refetchInterval: 5000,
  });
  return (
    <SettingsPage
      about={say('healthAbout')}
      actions={
        tour.hidden && (
          <Button variant="default" onClick={tour.show}>
            {say('showTour')}
          </Button>
        )
      }
    >
      {status.error && <Trouble error={status.error} />}
      {status.isPending && <Waiting />}
      {status.data && who && <Health status={status.data} role={who.role} sight={who.sight} name={who.name} />}
    </SettingsPage>
  );
}

interface HealthProps {
  status: Schema<'Status'>;
  name: string;
  role?: string;
  sight: 'nothing' | 'masked' | 'clear';
}

function Health({ status: s, name, role, sight }: HealthProps) {
  const { say, number, minute, day } = useLanguage(words);
  const bytes = useBytes();
  const stages = [
    { name: say('log'), position: s.log.last, behind: 0, error: s.log.full ? say('trouble') : '' },
    { name: say('resolver'), position: s.resolver.position, behind: s.resolver.lag, error: s.resolver.error },
    { name: say('columns'), position: s.columns.commit, behind: s.columns.lag, error: s.columns.error },
  ];
  return (
    <Stack>
      <Tiles>
        <Tile label={say('stateNow')} value={s.state} />
        <Tile label={say('version')} value={s.version || '–'} />
        <Tile label={say('started')} value={<Text fz="md">{day(s.started_at)}</Text>} note={minute(s.started_at)} />
        <Tile
          label={say('you')}
          value={<Text fz="md">{name}</Text>}
          note={`${role ? say(role as Role) : say('token')} · ${say('sees')}: ${say(sight)}`}
        />
      </Tiles>
      <Part title={say('problems')}>
        {s.problems?.length ? (
          <Alert color="red">
            <List size="sm">
              {s.problems.map((p) => (
                <List.Item key={p}>{p}</List.Item>
              ))}
            </List>
          </Alert>
        ) : (
          <Text size="sm">{say('fine')}</Text>
        )}
      </Part>
      <Part title={say('stages')}>
        <table className="table" data-loose aria-label={say('stages')}>
          <thead>
            <tr>
              <th>{say('stage')}</th>
              <th data-end>{say('position')}</th>
              <th data-end>{say('behind')}</th>
            </tr>
          </thead>
          <tbody>
            {stages.map((x) => (
              <tr key={x.name}>
                <td>
                  {x.name}
                  {x.error && (
                    <Text size="xs" c="red">
                      {x.error}
                    </Text>
                  )}
                </td>
                <td data-end>{number(x.position)}</td>
                <td data-end>{number(x.behind)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      <SimpleGrid cols={{ base: 1, md: 2 }} style={{ alignItems: 'start' }}>
        <Amounts title={say('counts')} amounts={s.counts} show={number} />
        <Amounts title={say('sizes')} amounts={s.sizes} show={bytes} />
      </SimpleGrid>
    </Stack>
  );
}

function Amounts({
  title,
  amounts,
  show,
}: {
  title: string;
  amounts: Record<string, number>;
  show: (n: number) => string;
}) {
  const { say } = useLanguage(words);
  return (
    <Part title={title}>
      <table className="table" aria-label={title}>
        <thead>
          <tr>
            <th>{say('what')}</th>
            <th data-end>{say('number')}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(amounts).map(([name, n]) => (
            <tr key={name}>
              <td>{name.replaceAll('_', ' ')}</td>
              <td data-end>{show(n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function useBytes() {
  const { language } = useLanguage();
  return (n: number) => {
    const unit = n >= 1e9 ? 'gigabyte' : n >= 1e6 ? 'megabyte' : 'kilobyte';
    const by = { gigabyte: 1e9, megabyte: 1e6, kilobyte: 1e3 }[unit];
    return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(n / by);
  };
}
