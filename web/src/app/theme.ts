import { type ThemeConfig, theme } from 'antd';

const FONT =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';

/** The quiet teal of the house, dense spacing, and contrast that passes AA in both modes. */
export function themeOf(dark: boolean, phone: boolean): ThemeConfig {
  const link = dark ? '#6fc3cd' : '#1d6b74';
  return {
    cssVar: { key: dark ? 'guanxi-dark' : 'guanxi-light' },
    hashed: false,
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      colorPrimary: dark ? '#2f8792' : '#1d6b74',
      // By itself the dark one would be too light for its white text.
      colorPrimaryHover: dark ? '#2b7d87' : '#2a7c86',
      colorInfo: dark ? '#2f8792' : '#1d6b74',
      colorPrimaryBg: dark ? '#15292d' : '#e3eff0',
      colorPrimaryBgHover: dark ? '#1a363b' : '#d3e6e8',
      colorPrimaryBorder: dark ? '#245059' : '#a9cdd2',
      colorSuccessBg: dark ? '#14241a' : '#edf6ef',
      colorSuccessBorder: dark ? '#2b5237' : '#b9dcc2',
      colorErrorBg: dark ? '#2b1716' : '#fdf1f0',
      colorErrorBorder: dark ? '#5f2f2b' : '#eebdb8',
      colorInfoBg: dark ? '#12262a' : '#e8f2f3',
      colorInfoBorder: dark ? '#245059' : '#b4d3d7',
      colorLink: link,
      colorLinkHover: dark ? '#93d6de' : '#144e55',
      colorSuccess: dark ? '#4a9a5b' : '#2c7a3f',
      colorWarning: dark ? '#d39a3c' : '#8f5600',
      colorWarningBg: dark ? '#2a2314' : '#fff8e8',
      colorWarningBorder: dark ? '#5d4b23' : '#ecd6a3',
      colorError: dark ? '#f0857b' : '#c0322b',
      colorBgLayout: dark ? '#101416' : '#f4f6f6',
      colorBgContainer: dark ? '#171c1f' : '#ffffff',
      colorBgElevated: dark ? '#1f2629' : '#ffffff',
      colorText: dark ? 'rgba(255,255,255,0.88)' : '#1b2426',
      colorTextSecondary: dark ? 'rgba(255,255,255,0.68)' : '#55636a',
      colorTextTertiary: dark ? 'rgba(255,255,255,0.58)' : '#66747b',
      colorTextDescription: dark ? 'rgba(255,255,255,0.64)' : '#5b6970',
      colorTextPlaceholder: dark ? 'rgba(255,255,255,0.55)' : '#6b787e',
      colorTextDisabled: dark ? 'rgba(255,255,255,0.4)' : '#8b979c',
      fontFamily: FONT,
      fontSize: 14,
      controlHeight: phone ? 38 : 30,
      controlHeightSM: phone ? 32 : 24,
      borderRadius: 5,
      wireframe: false,
      motionDurationMid: '0.12s',
      motionDurationSlow: '0.18s',
    },
    components: {
      Table: {
        cellPaddingBlockSM: 6,
        cellPaddingInlineSM: 10,
        headerBg: dark ? '#1c2225' : '#f4f6f6',
        headerColor: dark ? 'rgba(255,255,255,0.75)' : '#45535a',
        headerSplitColor: 'transparent',
        rowSelectedBg: dark ? '#18333a' : '#e6f1f2',
        rowSelectedHoverBg: dark ? '#1c3c44' : '#dcebed',
      },
      Button: {
        defaultHoverColor: link,
        defaultHoverBorderColor: link,
        defaultActiveColor: link,
        defaultActiveBorderColor: link,
        dangerColor: dark ? '#1f1110' : '#ffffff',
      },
      Menu: {
        itemHeight: 36,
        itemSelectedColor: link,
        itemSelectedBg: dark ? '#18333a' : '#e3eff0',
        itemBorderRadius: 5,
      },
      Tabs: {
        itemSelectedColor: link,
        itemActiveColor: link,
        inkBarColor: link,
        horizontalMargin: '0 0 12px 0',
      },
      Form: { itemMarginBottom: 16, verticalLabelPadding: '0 0 4px' },
      Slider: {
        trackBg: link,
        trackHoverBg: link,
        handleColor: link,
        railBg: dark ? '#3a4549' : '#d9e0e1',
        dotBorderColor: dark ? '#3a4549' : '#d9e0e1',
      },
      Segmented: { itemSelectedColor: link },
    },
  };
}
