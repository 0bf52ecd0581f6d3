import { Alert, Center, Loader, Text } from '@mantine/core';
import { Problem } from './api';
import { useLanguage } from './settings';

/** What went wrong, and what to do. */
export function Trouble({ error }: { error: Error }) {
  return (
    <Alert color="red" title={error.message} role="alert">
      {error instanceof Problem && error.hint ? <Text size="sm">{error.hint}</Text> : null}
    </Alert>
  );
}

export function Waiting() {
  const { say } = useLanguage();
  return (
    <Center p="xl">
      <Loader size="sm" role="status" aria-label={say('loading')} />
    </Center>
  );
}
