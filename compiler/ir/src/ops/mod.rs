//! The operators, one file each. A new one is its file, its `mod` line and its entry in [`OPS`].

pub mod common;

mod abs;
mod acos;
mod acosh;
mod adagrad;
mod adam;
mod add;
mod affine_grid;
mod and;
mod arg_max;
mod arg_min;
mod array_feature_extractor;
mod asin;
mod asinh;
mod atan;
mod atanh;
mod attention;
mod average_pool;
mod batch_normalization;
mod bernoulli;
mod binarizer;
mod bit_cast;
mod bit_shift;
mod bitwise_and;
mod bitwise_not;
mod bitwise_or;
mod bitwise_xor;
mod blackman_window;
mod cast;
mod cast_like;
mod category_mapper;
mod causal_conv_with_state;
mod ceil;
mod celu;
mod center_crop_pad;
mod clip;
mod col2im;
mod compress;
mod concat;
mod concat_from_sequence;
mod constant_of_shape;
pub mod conv;
mod conv_integer;
mod conv_transpose;
mod cos;
mod cosh;
mod cum_prod;
mod cum_sum;
mod deform_conv;
mod depth_to_space;
mod dequantize_linear;
mod det;
mod dft;
mod div;
mod dlc_count_grams;
mod dlc_fourier_back;
mod dlc_fourier_columns;
mod dlc_fourier_filter;
mod dlc_fourier_filters;
mod dlc_fourier_image;
mod dlc_fourier_product;
mod dlc_fourier_rows;
mod dlc_fourier_sums;
mod dlc_frames;
mod dlc_interleave;
mod dlc_pack;
mod dlc_recurrence;
mod dlc_table;
mod dlc_trees;
mod dlc_unpack;
mod dlc_winograd_filter;
mod dlc_winograd_input;
mod dlc_winograd_output;
mod dropout;
mod dynamic_quantize_linear;
mod einsum;
mod elu;
mod equal;
mod erf;
mod exp;
mod expand;
mod eye_like;
mod feature_vectorizer;
mod flatten;
mod flex_attention;
mod floor;
mod gather;
mod gather_elements;
mod gather_nd;
mod gelu;
mod gemm;
mod global_average_pool;
mod global_lp_pool;
mod global_max_pool;
mod greater;
mod greater_or_equal;
mod grid_sample;
mod group_normalization;
mod gru;
mod hamming_window;
mod hann_window;
mod hard_sigmoid;
mod hard_swish;
mod hardmax;
mod identity;
mod if_;
mod imputer;
mod instance_normalization;
mod is_inf;
mod is_nan;
mod label_encoder;
mod layer_normalization;
mod leaky_relu;
mod less;
mod less_or_equal;
mod linear_attention;
mod linear_classifier;
mod linear_regressor;
mod log;
mod log_softmax;
mod loop_;
mod lp_normalization;
mod lp_pool;
mod lrn;
mod lstm;
mod matmul;
mod matmul_integer;
mod max;
mod max_pool;
mod max_roi_pool;
mod max_unpool;
mod mean;
mod mean_variance_normalization;
mod mel_weight_matrix;
mod microsoft_attention;
mod microsoft_bias_add;
mod microsoft_bias_dropout;
mod microsoft_bias_gelu;
mod microsoft_bias_split_gelu;
mod microsoft_complex_mul;
mod microsoft_complex_mul_conj;
mod microsoft_conv_transpose_with_dynamic_pads;
mod microsoft_crop_and_resize;
mod microsoft_decoder_masked_multi_head_attention;
mod microsoft_dequantize_linear;
mod microsoft_dynamic_quantize_lstm;
mod microsoft_dynamic_quantize_matmul;
mod microsoft_embed_layer_normalization;
mod microsoft_expand_dims;
mod microsoft_fast_gelu;
mod microsoft_fused_conv;
mod microsoft_fused_gemm;
mod microsoft_fused_matmul;
mod microsoft_fused_matmul_activation;
mod microsoft_gated_relative_position_bias;
mod microsoft_gather_block_quantized;
mod microsoft_gelu;
mod microsoft_gemm_fast_gelu;
mod microsoft_grid_sample;
mod microsoft_group_norm;
mod microsoft_group_query_attention;
mod microsoft_inverse;
mod microsoft_irfft;
mod microsoft_matmul_bnb4;
mod microsoft_matmul_integer_to_float;
mod microsoft_matmul_nbits;
mod microsoft_moe;
mod microsoft_multi_head_attention;
mod microsoft_murmur_hash3;
mod microsoft_ngram_repeat_block;
mod microsoft_nhwc_fused_conv;
mod microsoft_nhwc_max_pool;
mod microsoft_packed_attention;
mod microsoft_packed_multi_head_attention;
mod microsoft_pad;
mod microsoft_qattention;
mod microsoft_qembed_layer_normalization;
mod microsoft_qgemm;
mod microsoft_qlinear_add;
mod microsoft_qlinear_average_pool;
mod microsoft_qlinear_concat;
mod microsoft_qlinear_conv;
mod microsoft_qlinear_global_average_pool;
mod microsoft_qlinear_leaky_relu;
mod microsoft_qlinear_mul;
mod microsoft_qlinear_reduce_mean;
mod microsoft_qlinear_sigmoid;
mod microsoft_qlinear_softmax;
mod microsoft_qlinear_where;
mod microsoft_qmoe;
mod microsoft_quantize_linear;
mod microsoft_quick_gelu;
mod microsoft_range;
mod microsoft_relative_position_bias;
mod microsoft_remove_padding;
mod microsoft_restore_padding;
mod microsoft_rfft;
mod microsoft_rotary_embedding;
mod microsoft_skip_group_norm;
mod microsoft_skip_layer_normalization;
mod microsoft_skip_simplified_layer_normalization;
mod microsoft_transpose_matmul;
mod microsoft_trilu;
mod microsoft_unique;
mod min;
mod mish;
mod mod_;
mod momentum;
mod mul;
mod multinomial;
mod neg;
mod negative_log_likelihood_loss;
mod non_max_suppression;
mod non_zero;
mod normalizer;
mod not;
mod one_hot;
mod one_hot_encoder;
mod optional;
mod optional_get_element;
mod optional_has_element;
mod or;
mod pad;
mod pow;
mod prelu;
mod qlinear_conv;
mod qlinear_matmul;
mod quantize_linear;
mod random_normal;
mod random_normal_like;
mod random_uniform;
mod random_uniform_like;
mod range;
mod reciprocal;
mod reduce_l1;
mod reduce_l2;
mod reduce_log_sum;
mod reduce_log_sum_exp;
mod reduce_max;
mod reduce_mean;
mod reduce_min;
mod reduce_prod;
mod reduce_sum;
mod reduce_sum_square;
mod regex_full_match;
mod relu;
mod reshape;
mod resize;
mod reverse_sequence;
mod rms_normalization;
mod rnn;
mod roi_align;
mod rotary_embedding;
mod round;
mod scaler;
mod scan;
mod scatter;
mod scatter_elements;
mod scatter_nd;
mod selu;
mod sequence_at;
mod sequence_construct;
mod sequence_empty;
mod sequence_erase;
mod sequence_insert;
mod sequence_length;
mod shape;
mod shrink;
mod sigmoid;
mod sign;
mod simplified_layer_normalization;
mod sin;
mod sinh;
mod size;
mod slice;
mod softmax;
mod softmax_cross_entropy_loss;
mod softplus;
mod softsign;
mod space_to_depth;
mod split;
mod split_to_sequence;
mod sqrt;
mod squeeze;
mod stft;
mod string_concat;
mod string_normalizer;
mod string_split;
mod sub;
mod sum;
mod svm_classifier;
mod svm_regressor;
mod swiglu;
mod swish;
mod tan;
mod tanh;
mod tensor_scatter;
mod tf_idf_vectorizer;
mod thresholded_relu;
mod tile;
mod top_k;
mod transpose;
mod tree_ensemble;
mod tree_ensemble_classifier;
mod tree_ensemble_regressor;
mod trilu;
mod unique;
mod unsqueeze;
mod where_;
mod xor;

use crate::{Op, OpRef};

/// Every operator, sorted by file name.
pub static OPS: &[&dyn Op] = &[
    &abs::ABS,
    &acos::ACOS,
    &acosh::ACOSH,
    &adagrad::ADAGRAD,
    &adam::ADAM,
    &add::Add,
    &affine_grid::AffineGrid,
    &and::AND,
    &arg_max::ARG_MAX,
    &arg_min::ARG_MIN,
    &array_feature_extractor::ArrayFeatureExtractor,
    &asin::ASIN,
    &asinh::ASINH,
    &atan::ATAN,
    &atanh::ATANH,
    &attention::Attention,
    &average_pool::AveragePool,
    &batch_normalization::BatchNormalization,
    &bernoulli::Bernoulli,
    &binarizer::Binarizer,
    &bit_cast::BitCast,
    &bit_shift::BitShift,
    &bitwise_and::BITWISE_AND,
    &bitwise_not::BITWISE_NOT,
    &bitwise_or::BITWISE_OR,
    &bitwise_xor::BITWISE_XOR,
    &blackman_window::BlackmanWindow,
    &cast::Cast,
    &cast_like::CastLike,
    &category_mapper::CategoryMapper,
    &causal_conv_with_state::CausalConvWithState,
    &ceil::CEIL,
    &celu::CELU,
    &center_crop_pad::CenterCropPad,
    &clip::Clip,
    &col2im::Col2Im,
    &compress::Compress,
    &concat::Concat,
    &concat_from_sequence::ConcatFromSequence,
    &constant_of_shape::ConstantOfShape,
    &conv::Conv,
    &conv_integer::ConvInteger,
    &conv_transpose::ConvTranspose,
    &cos::COS,
    &cosh::COSH,
    &cum_prod::CUM_PROD,
    &cum_sum::CUM_SUM,
    &deform_conv::DeformConv,
    &depth_to_space::DepthToSpace,
    &dequantize_linear::DequantizeLinear,
    &det::Det,
    &dft::Dft,
    &div::DIV,
    &dlc_count_grams::CountGrams,
    &dlc_fourier_back::FourierBack,
    &dlc_fourier_columns::FourierColumns,
    &dlc_fourier_filter::FourierFilter,
    &dlc_fourier_filters::FourierFilters,
    &dlc_fourier_image::FourierImage,
    &dlc_fourier_product::FourierProduct,
    &dlc_fourier_rows::FourierRows,
    &dlc_fourier_sums::FourierSums,
    &dlc_frames::Frames,
    &dlc_interleave::Interleave,
    &dlc_pack::Pack,
    &dlc_recurrence::DlcRecurrence,
    &dlc_table::Table,
    &dlc_trees::DlcTrees,
    &dlc_unpack::Unpack,
    &dlc_winograd_filter::WinogradFilter,
    &dlc_winograd_input::WinogradInput,
    &dlc_winograd_output::WinogradOutput,
    &dropout::Dropout,
    &dynamic_quantize_linear::DynamicQuantizeLinear,
    &einsum::Einsum,
    &elu::ELU,
    &equal::EQUAL,
    &erf::ERF,
    &exp::EXP,
    &expand::Expand,
    &eye_like::EyeLike,
    &feature_vectorizer::FeatureVectorizer,
    &flatten::Flatten,
    &flex_attention::FLEX_ATTENTION,
    &floor::FLOOR,
    &gather::Gather,
    &gather_elements::GatherElements,
    &gather_nd::GatherND,
    &gelu::GELU,
    &gemm::Gemm,
    &global_average_pool::GLOBAL_AVERAGE_POOL,
    &global_lp_pool::GlobalLpPool,
    &global_max_pool::GLOBAL_MAX_POOL,
    &greater::GREATER,
    &greater_or_equal::GREATER_OR_EQUAL,
    &grid_sample::GridSample,
    &group_normalization::GroupNormalization,
    &gru::Gru,
    &hamming_window::HammingWindow,
    &hann_window::HannWindow,
    &hard_sigmoid::HARD_SIGMOID,
    &hard_swish::HARD_SWISH,
    &hardmax::Hardmax,
    &identity::Identity,
    &if_::If,
    &imputer::Imputer,
    &instance_normalization::InstanceNormalization,
    &is_inf::IS_INF,
    &is_nan::IS_NAN,
    &label_encoder::LabelEncoder,
    &layer_normalization::LayerNormalization,
    &leaky_relu::LEAKY_RELU,
    &less::LESS,
    &less_or_equal::LESS_OR_EQUAL,
    &linear_attention::LinearAttention,
    &linear_classifier::LinearClassifier,
    &linear_regressor::LinearRegressor,
    &log::LOG,
    &log_softmax::LOG_SOFTMAX,
    &loop_::Loop,
    &lp_normalization::LpNormalization,
    &lp_pool::LpPool,
    &lrn::Lrn,
    &lstm::Lstm,
    &matmul::MatMul,
    &matmul_integer::MatMulInteger,
    &max::MAX,
    &max_pool::MaxPool,
    &max_roi_pool::MaxRoiPool,
    &max_unpool::MaxUnpool,
    &mean::MEAN,
    &mean_variance_normalization::MeanVarianceNormalization,
    &mel_weight_matrix::MelWeightMatrix,
    &microsoft_attention::MICROSOFT_ATTENTION,
    &microsoft_bias_add::MICROSOFT_BIAS_ADD,
    &microsoft_bias_dropout::MICROSOFT_BIAS_DROPOUT,
    &microsoft_bias_gelu::MICROSOFT_BIAS_GELU,
    &microsoft_bias_split_gelu::MICROSOFT_BIAS_SPLIT_GELU,
    &microsoft_complex_mul::MICROSOFT_COMPLEX_MUL,
    &microsoft_complex_mul_conj::MICROSOFT_COMPLEX_MUL_CONJ,
    &microsoft_conv_transpose_with_dynamic_pads::MICROSOFT_CONV_TRANSPOSE_WITH_DYNAMIC_PADS,
    &microsoft_crop_and_resize::CropAndResize,
    &microsoft_decoder_masked_multi_head_attention::MICROSOFT_DECODER_MASKED_MULTI_HEAD_ATTENTION,
    &microsoft_dequantize_linear::MICROSOFT_DEQUANTIZE_LINEAR,
    &microsoft_dynamic_quantize_lstm::MICROSOFT_DYNAMIC_QUANTIZE_LSTM,
    &microsoft_dynamic_quantize_matmul::MICROSOFT_DYNAMIC_QUANTIZE_MATMUL,
    &microsoft_embed_layer_normalization::EmbedLayerNormalization,
    &microsoft_expand_dims::MICROSOFT_EXPAND_DIMS,
    &microsoft_fast_gelu::MICROSOFT_FAST_GELU,
    &microsoft_fused_conv::MICROSOFT_FUSED_CONV,
    &microsoft_fused_gemm::MICROSOFT_FUSED_GEMM,
    &microsoft_fused_matmul::MICROSOFT_FUSED_MATMUL,
    &microsoft_fused_matmul_activation::MICROSOFT_FUSED_MATMUL_ACTIVATION,
    &microsoft_gated_relative_position_bias::MICROSOFT_GATED_RELATIVE_POSITION_BIAS,
    &microsoft_gather_block_quantized::MICROSOFT_GATHER_BLOCK_QUANTIZED,
    &microsoft_gelu::MICROSOFT_GELU,
    &microsoft_gemm_fast_gelu::MICROSOFT_GEMM_FAST_GELU,
    &microsoft_grid_sample::MICROSOFT_GRID_SAMPLE,
    &microsoft_group_norm::MICROSOFT_GROUP_NORM,
    &microsoft_group_query_attention::MICROSOFT_GROUP_QUERY_ATTENTION,
    &microsoft_inverse::Inverse,
    &microsoft_irfft::MICROSOFT_IRFFT,
    &microsoft_matmul_bnb4::MICROSOFT_MATMUL_BNB4,
    &microsoft_matmul_integer_to_float::MICROSOFT_MATMUL_INTEGER_TO_FLOAT,
    &microsoft_matmul_nbits::MatMulNBits,
    &microsoft_moe::MICROSOFT_MOE,
    &microsoft_multi_head_attention::MICROSOFT_MULTI_HEAD_ATTENTION,
    &microsoft_murmur_hash3::MICROSOFT_MURMUR_HASH3,
    &microsoft_ngram_repeat_block::MICROSOFT_NGRAM_REPEAT_BLOCK,
    &microsoft_nhwc_fused_conv::MICROSOFT_NHWC_FUSED_CONV,
    &microsoft_nhwc_max_pool::MICROSOFT_NHWC_MAX_POOL,
    &microsoft_packed_attention::MICROSOFT_PACKED_ATTENTION,
    &microsoft_packed_multi_head_attention::MICROSOFT_PACKED_MULTI_HEAD_ATTENTION,
    &microsoft_pad::MICROSOFT_PAD,
    &microsoft_qattention::MICROSOFT_QATTENTION,
    &microsoft_qembed_layer_normalization::MICROSOFT_QEMBED_LAYER_NORMALIZATION,
    &microsoft_qgemm::MICROSOFT_QGEMM,
    &microsoft_qlinear_add::MICROSOFT_QLINEAR_ADD,
    &microsoft_qlinear_average_pool::MICROSOFT_QLINEAR_AVERAGE_POOL,
    &microsoft_qlinear_concat::MICROSOFT_QLINEAR_CONCAT,
    &microsoft_qlinear_conv::MICROSOFT_QLINEAR_CONV,
    &microsoft_qlinear_global_average_pool::MICROSOFT_QLINEAR_GLOBAL_AVERAGE_POOL,
    &microsoft_qlinear_leaky_relu::MICROSOFT_QLINEAR_LEAKY_RELU,
    &microsoft_qlinear_mul::MICROSOFT_QLINEAR_MUL,
    &microsoft_qlinear_reduce_mean::MICROSOFT_QLINEAR_REDUCE_MEAN,
    &microsoft_qlinear_sigmoid::MICROSOFT_QLINEAR_SIGMOID,
    &microsoft_qlinear_softmax::MICROSOFT_QLINEAR_SOFTMAX,
    &microsoft_qlinear_where::MICROSOFT_QLINEAR_WHERE,
    &microsoft_qmoe::MICROSOFT_QMOE,
    &microsoft_quantize_linear::MICROSOFT_QUANTIZE_LINEAR,
    &microsoft_quick_gelu::MICROSOFT_QUICK_GELU,
    &microsoft_range::MICROSOFT_RANGE,
    &microsoft_relative_position_bias::MICROSOFT_RELATIVE_POSITION_BIAS,
    &microsoft_remove_padding::MICROSOFT_REMOVE_PADDING,
    &microsoft_restore_padding::MICROSOFT_RESTORE_PADDING,
    &microsoft_rfft::MICROSOFT_RFFT,
    &microsoft_rotary_embedding::MicrosoftRotaryEmbedding,
    &microsoft_skip_group_norm::MICROSOFT_SKIP_GROUP_NORM,
    &microsoft_skip_layer_normalization::MICROSOFT_SKIP_LAYER_NORMALIZATION,
    &microsoft_skip_simplified_layer_normalization::MICROSOFT_SKIP_SIMPLIFIED_LAYER_NORMALIZATION,
    &microsoft_transpose_matmul::MICROSOFT_TRANSPOSE_MATMUL,
    &microsoft_trilu::MICROSOFT_TRILU,
    &microsoft_unique::MICROSOFT_UNIQUE,
    &min::MIN,
    &mish::MISH,
    &mod_::Mod,
    &momentum::MOMENTUM,
    &mul::MUL,
    &multinomial::Multinomial,
    &neg::NEG,
    &negative_log_likelihood_loss::NegativeLogLikelihoodLoss,
    &non_max_suppression::NonMaxSuppression,
    &non_zero::NonZero,
    &normalizer::Normalizer,
    &not::NOT,
    &one_hot::OneHot,
    &one_hot_encoder::OneHotEncoder,
    &optional::Optional,
    &optional_get_element::OptionalGetElement,
    &optional_has_element::OptionalHasElement,
    &or::OR,
    &pad::Pad,
    &pow::Pow,
    &prelu::PRELU,
    &qlinear_conv::QLinearConv,
    &qlinear_matmul::QLinearMatMul,
    &quantize_linear::QuantizeLinear,
    &random_normal::RANDOM_NORMAL,
    &random_normal_like::RANDOM_NORMAL_LIKE,
    &random_uniform::RANDOM_UNIFORM,
    &random_uniform_like::RANDOM_UNIFORM_LIKE,
    &range::Range,
    &reciprocal::RECIPROCAL,
    &reduce_l1::REDUCE_L1,
    &reduce_l2::REDUCE_L2,
    &reduce_log_sum::REDUCE_LOG_SUM,
    &reduce_log_sum_exp::REDUCE_LOG_SUM_EXP,
    &reduce_max::REDUCE_MAX,
    &reduce_mean::REDUCE_MEAN,
    &reduce_min::REDUCE_MIN,
    &reduce_prod::REDUCE_PROD,
    &reduce_sum::REDUCE_SUM,
    &reduce_sum_square::REDUCE_SUM_SQUARE,
    &regex_full_match::RegexFullMatch,
    &relu::Relu,
    &reshape::Reshape,
    &resize::Resize,
    &reverse_sequence::ReverseSequence,
    &rms_normalization::RmsNormalization,
    &rnn::Rnn,
    &roi_align::RoiAlign,
    &rotary_embedding::RotaryEmbedding,
    &round::ROUND,
    &scaler::Scaler,
    &scan::Scan,
    &scatter::Scatter,
    &scatter_elements::ScatterElements,
    &scatter_nd::ScatterND,
    &selu::SELU,
    &sequence_at::SequenceAt,
    &sequence_construct::SequenceConstruct,
    &sequence_empty::SequenceEmpty,
    &sequence_erase::SequenceErase,
    &sequence_insert::SequenceInsert,
    &sequence_length::SequenceLength,
    &shape::Shape,
    &shrink::SHRINK,
    &sigmoid::SIGMOID,
    &sign::SIGN,
    &simplified_layer_normalization::MICROSOFT,
    &simplified_layer_normalization::SIMPLIFIED_LAYER_NORMALIZATION,
    &sin::SIN,
    &sinh::SINH,
    &size::Size,
    &slice::Slice,
    &softmax::SOFTMAX,
    &softmax_cross_entropy_loss::SoftmaxCrossEntropyLoss,
    &softplus::SOFTPLUS,
    &softsign::SOFTSIGN,
    &space_to_depth::SpaceToDepth,
    &split::Split,
    &split_to_sequence::SplitToSequence,
    &sqrt::SQRT,
    &squeeze::Squeeze,
    &stft::Stft,
    &string_concat::StringConcat,
    &string_normalizer::StringNormalizer,
    &string_split::StringSplit,
    &sub::SUB,
    &sum::SUM,
    &svm_classifier::SvmClassifier,
    &svm_regressor::SvmRegressor,
    &swiglu::Swiglu,
    &swish::SWISH,
    &tan::TAN,
    &tanh::TANH,
    &tensor_scatter::TensorScatter,
    &tf_idf_vectorizer::TfIdfVectorizer,
    &thresholded_relu::THRESHOLDED_RELU,
    &tile::Tile,
    &top_k::TopK,
    &transpose::Transpose,
    &tree_ensemble::TreeEnsemble,
    &tree_ensemble_classifier::TreeEnsembleClassifier,
    &tree_ensemble_regressor::TreeEnsembleRegressor,
    &trilu::Trilu,
    &unique::Unique,
    &unsqueeze::Unsqueeze,
    &where_::Where,
    &xor::XOR,
];

/// The operator with this full name: `Conv`, or `com.microsoft.Gelu`.
pub fn by_name(name: &str) -> Option<OpRef> {
    let (domain, name) = name.rsplit_once('.').unwrap_or(("", name));
    find(domain, name)
}

/// The operator of an ONNX domain (`""` and `ai.onnx` are one) and type.
pub fn find(domain: &str, name: &str) -> Option<OpRef> {
    let domain = if domain == "ai.onnx" { "" } else { domain };
    OPS.iter().find(|op| op.name() == name && op.domain() == domain).map(|op| OpRef(*op))
}

#[cfg(test)]
mod tests;
