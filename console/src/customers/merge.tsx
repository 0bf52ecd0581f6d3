import { Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, type Schema } from '../api';
import { FormDialog } from '../parts/ask';
import { useLanguage } from '../settings';
import { nameOf } from './person';
import { words } from './words';

const kinds = ['email', 'phone', 'user_id', 'loyalty_id', 'anonymous_id'];

/** Another profile becomes part of this one; who it is is shown before. */
export function Merge({ view }: { view: Schema<'IdentityView'> }) {
  const { say, number } = useLanguage(words);
  const queries = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [namespace, setNamespace] = useState('email');
  const [value, setValue] = useState('');
  const other = useMutation({
    mutationFn: () => api.post('/api/v1/profiles/lookup', { body: { namespace, value: value.trim(), explain: false } }),
  });
  const self = useQuery({
    queryKey: ['profile', 'id', view.profile as unknown as string, 'brief'],
    queryFn: () =>
      api.get('/api/v1/profiles/{namespace}/{value}', {
        path: { namespace: 'id', value: view.profile as unknown as string },
      }),
    enabled: opened,
  });
  const merge = useMutation({
    mutationFn: () =>
      api.post('/api/v1/profiles/merge', {
        body: { profile: view.profile as unknown as string, identifiers: [{ namespace, value: value.trim() }] },
      }),
    onSuccess: () => {
      setOpened(false);
      other.reset();
      setValue('');
      void queries.invalidateQueries({ queryKey: ['identity'] });
      void queries.invalidateQueries({ queryKey: ['profile'] });
    },
  });
  const found = other.data;
  const same = found && found.id === view.profile;
  const sure = found && !same;
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpened(true)}>
        {say('merge')}
      </Button>
      <FormDialog
        title={say('mergeTitle')}
        opened={opened}
        close={() => setOpened(false)}
        doing={sure ? merge : other}
        label={say(sure ? 'merge' : 'lookUp')}
      >
        <Text size="sm">{say('mergeHelp')}</Text>
        <Group gap="xs" align="flex-end" wrap="nowrap">
          <Select
            label={say('namespace')}
            data={kinds}
            value={namespace}
            onChange={(n) => setNamespace(n ?? 'email')}
            allowDeselect={false}
            w={140}
          />
          <TextInput
            label={say('value')}
            value={value}
            onChange={(e) => {
              setValue(e.currentTarget.value);
              other.reset();
            }}
            style={{ flex: 1 }}
            required
          />
        </Group>
        {found && (
          <Text size="sm" role="status">
            {same
              ? say('mergeSame')
              : say('mergeWould', {
                  other: nameOf(found) || (found.id as unknown as string),
                  otherEvents: number(found.events),
                  name: self.data ? nameOf(self.data) : '',
                  events: number(self.data?.events ?? 0),
                })}
          </Text>
        )}
      </FormDialog>
    </>
  );
}
