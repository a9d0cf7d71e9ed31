export default {
  jobs: {
    title: 'Background jobs',
    kind: 'Job',
    state: 'State',
    attempts: 'Attempts',
    created: 'Created',
    finished: 'Finished',
    retried: 'Queued again',
    empty: 'No background jobs',
    emptyText: 'Imports, undos and rebuilds run here. Failed ones wait to be tried again.',
    kinds: { commerce_import: 'Import or undo of orders' },
    states: { waiting: 'Waiting', running: 'Running', dead: 'Failed', done: 'Done' },
  },
};
