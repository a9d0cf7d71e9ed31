export default {
  jobs: {
    title: '后台任务',
    kind: '任务',
    state: '状态',
    attempts: '次数',
    created: '创建',
    finished: '完成',
    retried: '已重新排队',
    empty: '没有后台任务',
    emptyText: '导入、撤销和重新计算都在后台进行，失败的会列在这里，可以重试。',
    kinds: { commerce_import: '导入或撤销订单' },
    states: { waiting: '等待', running: '进行中', dead: '失败', done: '完成' },
  },
};
