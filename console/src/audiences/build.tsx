import { Button, Grid, Group, JsonInput, Paper, Stack, Text } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { memo, useState } from 'react';
import { api, type Schema } from '../api';
import { OneOf } from '../parts/oneof';
import { Page, Part } from '../parts/page';
import { Trouble } from '../parts/said';
import { useLanguage } from '../settings';
import { asGroup, asked, type Condition, type Rule, tidyRules } from './condition';
import { ConditionGroup } from './group';
import { Name, Purpose } from './inputs';
import { Live, usePreview } from './live';
import { Suppress } from './suppress';
import { words } from './words';

const route = getRouteApi('/audiences/new');

export function Build() {
  const { where } = route.useSearch();
  return <Builder where={where as Condition | undefined} />;
}

const none: Schema<'SuppressCount'>[] = [];

interface BuilderProps {
  /** The audience that is changed; a new one when left out. */
  of?: Schema<'AudienceInForce'>;
  where?: Condition;
}

/** An audience is written at the left, and what it means is counted at the right. */
export function Builder({ of, where: begin }: BuilderProps) {
  const { say, number, percent } = useLanguage(words);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [draft, setDraft] = useState(() => asGroup((of?.where as Condition | undefined) ?? begin));
  const [rules, setRules] = useState<Rule[]>(() => (of?.suppress as Rule[] | undefined) ?? []);
  const [name, setName] = useState(of?.name ?? '');
  const [description, setDescription] = useState(of?.description ?? '');
  const { where, missing } = asked(draft);
  const editor = useId();
  const preview = usePreview(where, rules, editor);
  const save = useMutation({
    mutationFn: () =>
      api.put('/api/v1/audiences/{name}', {
        path: { name: name.trim() },
        body: {
          name: name.trim(),
          kind: 'definition',
          description: description.trim() || undefined,
          where,
          suppress: tidyRules(rules),
        },
      }),
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ['audiences'] });
      await navigate({ to: '/audiences/of/$name', params: { name: saved.name } });
    },
  });
  const next = (of?.filling?.version ?? of?.version ?? 0) + 1;
  return (
    <Page title={of ? say('edit', { name: of.name }) : say('build')}>
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            <Part title={say('who')}>
              <Definition of={draft} set={setDraft} />
            </Part>
            <Part title={say('leaveOut')} about={say('leaveOutHelp')}>
              <Suppress rules={rules} set={setRules} counts={preview.data?.suppressed ?? none} />
            </Part>
            <form
              onSubmit={(e) => {
                e.preventDefault();
                save.mutate();
              }}
            >
              <Part title={say('save')} about={of && say('saveHelp')}>
                <Stack gap="sm">
                  {!of && <Name value={name} set={setName} />}
                  <Purpose value={description} set={setDescription} />
                  {save.error && <Trouble error={save.error} />}
                  {missing > 0 && (
                    <Text size="xs" c="dimmed">
                      {say('incomplete', { count: missing })}
                    </Text>
                  )}
                  <Group>
                    <Button type="submit" disabled={!where || missing > 0} loading={save.isPending}>
                      {of ? say('saveVersion', { version: next }) : say('saveNew')}
                    </Button>
                  </Group>
                </Stack>
              </Part>
            </form>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <div className="beside">
            <Live where={where} preview={preview} editor={editor} missing={missing} name={of?.name} />
          </div>
        </Grid.Col>
      </Grid>
      {where && preview.data && (
        <Paper className="below" withBorder px="md" py={6} hiddenFrom="md">
          <Text size="sm">
            <b>{number(preview.data.count)}</b> {say('people')} ·{' '}
            {say('ofRevenue', { share: percent(preview.data.revenue_share) })}
          </Text>
        </Paper>
      )}
    </Page>
  );
}

/** The definition as a form, or as the JSON that it is. What is counted meanwhile leaves it as it is. */
const Definition = memo(({ of, set }: { of: Condition; set: (c: Condition) => void }) => {
  const { say } = useLanguage(words);
  const [text, setText] = useState<string>();
  const put = (t: string) => {
    setText(t);
    try {
      const c = JSON.parse(t);
      if (c && typeof c === 'object' && !Array.isArray(c)) set(asGroup(c));
    } catch {
      // said below the box; the definition stays as it was
    }
  };
  return (
    <Stack gap="xs">
      <OneOf
        label={say('definition')}
        data={[
          { value: 'form', label: say('form') },
          { value: 'json', label: say('json') },
        ]}
        value={text === undefined ? 'form' : 'json'}
        set={(v) => setText(v === 'form' ? undefined : JSON.stringify(asked(of).where ?? of, null, 2))}
      />
      {text === undefined ? (
        <ConditionGroup of={of} set={set} />
      ) : (
        <JsonInput
          dir="ltr"
          aria-label={say('asJson')}
          validationError={say('noJson')}
          autosize
          minRows={8}
          value={text}
          onChange={put}
        />
      )}
    </Stack>
  );
});
